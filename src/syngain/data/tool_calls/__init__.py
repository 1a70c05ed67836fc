"""Tools, calls and results of conversations, read tolerantly: a broken call is read as broken."""
