"""Personal data: email addresses, phone, card and account numbers, national ids; placeholders are left out."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.audit.responses.prompt_response import Response

_DIGITS = re.compile(r"\d[\d\s().-]{5,}\d")
_EMAIL = re.compile(
    r"(?<![\w.+-])(?P<name>[\w.+-]{1,64})@(?P<domain>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24})(?![\w-])"
)
_ANY = (  # domains, or parts of them, that stand for any domain
    r"example|sample|test|localhost|invalid|domain|email|e-?mail|website|site|company|companyname|business|organi[sz]ation|"
    r"university|school|provider|acme|foo|bar|xyz|abc|placeholder|your\w*|my\w*|some\w*"
)
_NO_DOMAIN = re.compile(rf"(?:^|\.)(?:{_ANY})\.\w+$|\.(?:test|example|invalid|localhost|local)$", re.IGNORECASE)
_NO_NAME = re.compile(  # names that stand for any person, and addresses of an office
    r"^(?:(?:john|jane|joe|max)[._-]?(?:doe|smith|mustermann|public)?\d{0,4}|your\w*|my\w*|user\w*|name|first\w*|last\w*|email|me|"
    r"you|someone|somebody|test\w*|example\w*|sample\w*|foo|bar|abc\w*|xyz|x+|"
    r"(?:do-?)?not?-?reply|alerts?|offers?|notifications?|updates?|info|contact|support|sales|hello|help|"
    r"admin\w*|webmaster|office|service|customer\w*|press|jobs|careers|hr|billing|team|mail|newsletter|feedback|"
    r"marketing|orders?|security|privacy|git|root|postmaster)$",
    re.IGNORECASE,
)
LONGEST = 80  # characters of an address before its password
_PHONE = re.compile(
    r"(?<![\w.,/=:+-])(?:"
    r"(?P<abroad>\+\d{1,3}[\s.-]?(?:\(\d{1,4}\)[\s.-]?)?\d{1,4}(?:[\s.-]?\d{2,4}){2,4})"
    r"|(?:1[\s.-])?(?P<america>\([2-9]\d{2}\)\s?\d{3}[\s.-]\d{4}|[2-9]\d{2}(?P<dot>[.-])\d{3}(?P=dot)\d{4})"
    r"|(?P<china>1[3-9]\d{9})"
    r")(?![\w-]|[.,/]\d)"
)
_CALLED = re.compile(
    r"(?:\b(?:tel|phone|mobile|cell|fax|call|whatsapp|telefon\w*|handy|t[ée]l[ée]phone|portable|tel[ée]fono|m[óo]vil|"
    r"celular|"
    r"telefone|cellulare|telefoon|тел|телефон)\b|电话|手机|電話|携帯|전화|هاتف|फ़ोन)(?:\s*(?:number|no|nr|#|is|at|me|us|him|her|on))*\s*[.:：]*\s*"
    r"(?P<number>\+?\(?\d[\d ()./-]{6,18}\d)(?![\w-]|\s*[=*/+<]|[.,]\d)",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"(?<![\w.,+-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5}|(?:4\d{12}|6\d{18}))"
    r"(?![\w-]|[.,]\d)"
)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_SSN = re.compile(r"(?<![\w.,+-])(?!000|666|9)(\d{3})-(?!00)(\d{2})-(?!0000)(\d{4})(?![\w-])")
_CPF = re.compile(r"(?<![\w.])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)")
_CHINESE = re.compile(r"(?<!\w)[1-8]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\w)")
_SPANISH = re.compile(r"(?<!\w)[XYZ]?\d{7,8}-?[A-HJ-NP-TV-Z](?!\w)")
_AADHAAR = re.compile(r"(?<![\w.,+-])[2-9]\d{3} \d{4} \d{4}(?! ?\d|\w)")
_TEST_CARDS = """
4111111111111111 4242424242424242 4012888888881881 4222222222222 4000056655665556 5555555555554444 5105105105105100
5200828282828210 2223003122003222 378282246310005 371449635398431 378734493671000 6011111111111117 6011000990139424
3566002020360505 3530111333300000 4532015112830366 4539578763621486 5425233430109903 4000000000000002
4916338506082832 4556737586899855 1234567812345670
"""
_CARDS = frozenset(_TEST_CARDS.split())
_EXAMPLE_ACCOUNTS = """
GB82WEST12345698765432 GB29NWBK60161331926819 GB33BUKB20201555555555 DE89370400440532013000 DE75512108001245126199
FR1420041010050500013M02606 FR7630006000011234567890189 ES9121000418450200051332 IT60X0542811101000000123456
NL91ABNA0417164300 CH9300762011623852957 AT611904300234573201 BE68539007547034 PL61109010140000071219812874
"""
_ACCOUNTS = frozenset(_EXAMPLE_ACCOUNTS.split())
_DOCUMENTED = frozenset({
    "078-05-1120", "219-09-9999", "123-45-6789", "12345678Z", "00000000T", "111.444.777-35", "123.456.789-09",
    "11010519491231002X",
})  # fmt: skip
_TURN = "1576283094"  # of Verhoeff


def personal_data(answer: Response) -> bool:
    """Whether the prompt or the response holds personal data of a known form."""
    return any(_personal(text, digits=answer.has_digits) for text in (answer.text, answer.prompt))


def _personal(text: str, *, digits: bool) -> bool:
    if "@" in text and any(map(_is_email, _EMAIL.finditer(text))):
        return True
    if not digits or not _DIGITS.search(text):
        return False
    return any(map(_is_phone, _PHONE.finditer(text))) or any(map(_is_phone, _CALLED.finditer(text))) or _numbered(text)


def _is_email(match: re.Match[str]) -> bool:
    before = match.string[max(match.start() - LONGEST, 0) : match.start()]
    if "://" in before and not re.search(r"\s", before.rpartition("://")[2]):  # the password of an address of a server
        return False
    return not _NO_DOMAIN.search(match["domain"]) and not _NO_NAME.match(match["name"])


def _is_phone(match: re.Match[str]) -> bool:
    named = match.groupdict()
    digits = re.sub(r"\D", "", match[0] if "number" not in named else match["number"])
    if not 7 <= len(digits) <= 15 or len(set(digits)) < 4 or _counts(digits):
        return False
    if named.get("america") is None and not (digits.startswith("1") and len(digits) == 11 and not named.get("china")):
        return len(digits) >= 8 and not re.match(
            r"447700900|44(?:20)?79460|441632960|617010|0?7700900|0?2079460|0?1632960", digits
        )
    area, exchange, line = digits[-10:-7], digits[-7:-4], digits[-4:]
    return area not in {"555", *_FREE} and exchange != "555" and exchange[0] not in "01" and line != "0000"


_FREE = frozenset({"800", "822", "833", "844", "855", "866", "877", "888", "900"})


def _counts(digits: str) -> bool:
    """Whether the digits count up or down: 123-456-7890."""
    steps = [(int(b) - int(a)) % 10 for a, b in pairwise(digits)]
    return max(steps.count(1), steps.count(9)) >= 0.6 * len(steps)


def _numbered(text: str) -> bool:
    return any(
        match[0] not in _DOCUMENTED and holds(re.sub(r"[\s.-]", "", match[0]))
        for pattern, holds in _CHECKED
        for match in pattern.finditer(text)
    )


def luhn(digits: str) -> bool:
    """Whether the check digit of a card number holds [luhn1960]."""
    odd = [int(digit) for digit in digits[::-2]]
    even = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(odd) + sum(even)) % 10 == 0


def iban(text: str) -> bool:
    """Whether the check digits of an account number hold (ISO 13616)."""
    turned = text[4:] + text[:4]
    return len(text) >= 15 and int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def _is_card(digits: str) -> bool:
    return (
        digits[0] in "23456" and digits not in _CARDS and len(set(digits)) > 3 and not _counts(digits) and luhn(digits)
    )


def _cpf(digits: str) -> bool:
    def check(part: str) -> str:
        rest = (
            sum(int(digit) * weight for digit, weight in zip(part, range(len(part) + 1, 1, -1), strict=True)) * 10 % 11
        )
        return str(rest % 10)

    return len(set(digits)) > 1 and digits[9] == check(digits[:9]) and digits[10] == check(digits[:10])


def _chinese(text: str) -> bool:
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(text[:17])) % 11
    return "10X98765432"[total] == text[17].upper()


def _spanish(text: str) -> bool:
    number = int(text[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2"))
    return len(text) == 9 and "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == text[-1] and not _counts(str(number))


def _aadhaar(digits: str) -> bool:
    """Whether the check digit of Verhoeff holds."""
    found = 0
    for place, digit in enumerate(reversed(digits)):
        other = int(digit)
        for _ in range(place % 8):
            other = int(_TURN[other])
        found = _dihedral(found, other)
    return found == 0


def _dihedral(a: int, b: int) -> int:
    turn = (a + b) % 5 if a < 5 else (a - b) % 5
    return turn if (a < 5) == (b < 5) else turn + 5


_CHECKED: Sequence[tuple[re.Pattern[str], Callable[[str], bool]]] = (
    (_CARD, _is_card),
    (_IBAN, lambda text: text not in _ACCOUNTS and iban(text)),
    (_SSN, lambda digits: len(set(digits)) > 2 and not _counts(digits)),
    (_CPF, _cpf),
    (_CHINESE, _chinese),
    (_SPANISH, _spanish),
    (_AADHAAR, _aadhaar),
)
