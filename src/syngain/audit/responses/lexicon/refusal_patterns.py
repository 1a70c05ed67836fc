"""How refusals begin, by language: data for :mod:`refusals`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

APOLOGY: Mapping[str, str] = {
    "en": r"(?:i['\u2019]?m |i am |we['\u2019]re |we are )?(?:so |very |really |terribly )?sorry|i apologi[sz]e|(?:my |our )?apologies|unfortunately|regrettably|i regret",
    "de": r"es tut mir leid|tut mir leid|entschuldigung|entschuldige|verzeihung|leider|bedauerlicherweise",
    "fr": r"(?:je suis |nous sommes )?(?:vraiment )?d[ée]sol[ée]e?s?|malheureusement|je regrette|excusez[- ]moi|navr[ée]",
    "es": r"lo siento|lo lamento|lamentablemente|desafortunadamente|perd[óo]n|disculpa|me temo",
    "it": r"mi dispiace|mi scuso|purtroppo|spiacente|sono spiacente",
    "pt": r"(?:eu )?sinto muito|lamento|desculpe|desculpa|infelizmente|pe[çc]o desculpas?",
    "nl": r"het spijt me|sorry|helaas|excuses",
    "pl": r"przepraszam|przykro mi|niestety|wybacz",
    "ru": r"извините|простите|к сожалению|прошу прощения|мне жаль|сожалею",
    "uk": r"вибачте|перепрошую|на жаль|мені шкода",
    "zh": r"抱歉|对不起|很遗憾|对不住|不好意思|對不起|很遺憾",
    "ja": r"申し訳|すみません|ごめんなさい|恐れ入りますが|残念ながら|恐縮ですが",
    "ko": r"죄송|미안|유감",
    "ar": r"آسف|عذرا|عذرًا|أعتذر|للأسف|نأسف|معذرة|اعتذر",
    "hi": r"क्षमा कर|माफ़? ?कीजि|माफ कर|मुझे खेद|खेद है|मुझे माफ|दुर्भाग्य",
    "tr": r"üzgünüm|maalesef|özür dilerim|ne yazık ki",
    "vi": r"(?:tôi |rất |thành thật )?xin lỗi|rất tiếc|tiếc là",
    "id": r"maaf|mohon maaf|sayangnya",
}
"""What may come before a refusal, or be the whole of it."""

DECLINE: Mapping[str, str] = {
    "en": r"\b(?:i|we)(?:['\u2019]m|['\u2019]re)?\b[^.!?,;\n]{0,40}?\b(?:can\s?not|can['\u2019]t|could not|couldn['\u2019]t|unable to|not able to|won['\u2019]t|will not|must decline|"
    r"have to decline|decline to|refuse to|not allowed to|not permitted to|not comfortable|not going to|would rather not|not in a position to|not programmed to|not designed to|"
    r"don['\u2019]t feel comfortable|do not feel comfortable)\b[^.!?\n]{0,50}?\b(?:assist|help(?! but)|answer|respond|provide|comply|fulfil\w*|complete|discuss|engage|generate|create|"
    r"continue|support|process|do that|do this|offer|participate|produce|write|share|with that|with this|that request|this request|the request|your request)\b"
    r"|\bcan(?:not|['\u2019]t)\s+(?:assist|help(?! but)|comply|answer|fulfil\w*|be completed|be answered|do that|provide)\b"
    r"|\b(?:against|violates?|not in line with|conflicts? with) (?:my|our|the|openai|company)[^.!?\n]{0,25}(?:guidelines|polic\w+|programming|principles|rules|terms)"
    r"|\b(?:request|question|task|instruction|this|it)\b[^.!?\n]{0,30}\b(?:cannot|can['\u2019]t|can not) be (?:completed|answered|fulfilled|processed)"
    r"|\bas an? (?:ai|assistant|artificial|(?:large )?language)\b[^.!?\n]{0,60}(?:cannot|can['\u2019]t|can not|must decline|unable|not able|do not|don['\u2019]t|won['\u2019]t|will not)"
    r"|\bi (?:must|have to|need to) (?:respectfully |politely )?(?:decline|refuse)|\bi(?:['\u2019]d| would) (?:rather|prefer) not\b|\bnot something i can\b",
    "de": r"\b(?:kann|können|darf|möchte|werde)\b[^.!?\n]{0,60}\bnicht\b[^.!?\n]{0,60}\b(?:helfen|beantworten|antworten|erfüllen|bereitstellen|unterstützen|nachkommen|behilflich|weiterhelfen|bearbeiten|ausführen)"
    r"|\b(?:kann|können|darf|möchte)\b[^.!?\n]{0,30}\b(?:keine|nicht)\b[^.!?\n]{0,40}\b(?:auskunft|antwort|hilfe|informationen|weiterhelfen|helfen|behilflich)|nicht in der lage|muss[^.!?\n]{0,30}ablehnen|bin nicht befugt|als (?:ki|sprachmodell|assistent)",
    "fr": r"\b(?:ne|n['\u2019])\s?(?:peux|peut|pouvons|suis|sommes|puis)\b[^.!?\n]{0,30}\b(?:pas|en mesure|capable)\b|\bne puis\b|je dois (?:décliner|refuser)|en tant qu['\u2019](?:ia|assistant|intelligence)|impossible de (?:répondre|vous aider|traiter)|je refuse",
    "es": r"\bno\s+(?:puedo|podemos|puede|me es posible|estoy en condiciones|soy capaz|es posible)\b[^.!?\n]{0,50}\b(?:ayudar\w*|responder\w*|asistir\w*|proporcionar\w*|cumplir\w*|contestar\w*|atender\w*|eso|esto|esa|solicitud|petición|generar|hacer\w*)|debo (?:rechazar|declinar)|como (?:ia|asistente|modelo de lenguaje)",
    "it": r"\bnon\s+(?:posso|possiamo|può|sono in grado|mi è possibile|riesco)\b[^.!?\n]{0,50}\b(?:aiutar\w*|risponder\w*|assister\w*|fornir\w*|soddisfar\w*|questo|questa|richiesta|far\w*)|devo (?:rifiutare|declinare)|come (?:ia|assistente|modello linguistico)",
    "pt": r"\bn[ãa]o\s+(?:posso|podemos|pode|consigo|sou capaz|estou autorizado|é possível)\b[^.!?\n]{0,50}\b(?:ajud\w*|respond\w*|auxili\w*|fornec\w*|atend\w*|cumpr\w*|isso|isto|essa|esse|pedido|solicitação|faz\w*)|devo recusar|como (?:ia|assistente|modelo de linguagem)",
    "nl": r"\b(?:kan|kunnen|mag|wil)\b[^.!?\n]{0,50}\b(?:niet|geen)\b[^.!?\n]{0,50}\b(?:helpen|beantwoorden|antwoorden|voldoen|assisteren|geven|uitvoeren|antwoord|hulp)|niet in staat|moet[^.!?\n]{0,30}weigeren|als (?:ai|taalmodel|assistent)",
    "pl": r"\bnie\s+(?:mogę|możemy|może|jestem w stanie|potrafię|wolno mi)\b[^.!?\n]{0,50}\b(?:pomóc|odpowiedzieć|spełnić|udzielić|zrealizować|tego|tym|tę|wykonać|pomoc\w*)|muszę odmówić|odmawiam|jako (?:sztuczna|model językowy|asystent)",
    "ru": r"\bне\s+(?:могу|можем|может|в состоянии|способен|имею права|смогу)\b[^.!?\n]{0,50}(?:помо\w*|ответ\w*|выполн\w*|предостав\w*|этим|это|обсужд\w*|запрос\w*)|вынужден\w* отказать|отказываюсь|как (?:ии|искусственный|языковая модель|ассистент)",
    "uk": r"\bне\s+(?:можу|можемо|може|здатн\w*)\b[^.!?\n]{0,50}(?:допомог\w*|відпов\w*|викона\w*|нада\w*|цим|це)|змушен\w* відмовити|як (?:ші|штучний|мовна модель)",
    "zh": r"(?:我|本人|我们|無法|无法)?[^。！？\n]{0,12}(?:无法|不能|無法|不便|没有办法|沒有辦法|拒绝|拒絕|不可以|难以)[^。！？\n]{0,14}(?:回答|帮助|幫助|协助|協助|提供|满足|滿足|完成|处理|處理|讨论|討論|您|你|这个|這個|请求|請求)|作为(?:一个|一名)?(?:ai|人工智能|语言模型|助手)[^。！？\n]{0,14}(?:不能|无法|拒绝)",
    "ja": r"[^。！？\n]{0,30}(?:お手伝い|お答え|回答|お応え|対応|ご協力|提供|支援|サポート)[^。！？\n]{0,16}(?:できません|いたしかねます|できかねます|致しかねます|お断り|できない)",
    "ko": r"[^.!?\n]{0,40}(?:도와|답변|응답|제공|도움|수행|처리|대답)[^.!?\n]{0,20}(?:수 없|없습니다|어렵습니다|못합니다|거절|거부)",
    "ar": r"(?:لا|لن|لست)\s+(?:أستطيع|يمكنني|يمكن|نستطيع|أقدر|قادر\w*|أتمكن|بإمكاني|اقدر|استطيع)[^.!?؟\n]{0,50}(?:مساعد|إجابة|الإجابة|الرد|تقديم|تلبية|ذلك|هذا|طلب|أساعد)|أعتذر عن|يجب (?:أن|علي) (?:أرفض|الرفض)",
    "hi": r"[^।!?\n]{0,50}(?:मदद|सहायता|उत्तर|जवाब|पूरा|प्रदान|यह)[^।!?\n]{0,25}(?:नहीं कर|नहीं दे|असमर्थ|अस्वीकार|में सक्षम नहीं)",
    "tr": r"[^.!?\n]{0,50}(?:yardımcı ol|yardım ed|yanıtla|cevapla|yerine getir|sağla|cevap ver|yapa)\w*(?:mam|mıyorum|miyorum|muyorum|müyorum|amıyoruz|emiyoruz|amıyorum|emiyorum|emem|amam)",
    "vi": r"(?:không thể|không được phép|từ chối|không có khả năng)[^.!?\n]{0,40}(?:giúp|trả lời|hỗ trợ|cung cấp|thực hiện|đáp ứng|yêu cầu)",
    "id": r"(?:tidak (?:dapat|bisa|mampu|diizinkan)|harus menolak|menolak)[^.!?\n]{0,40}(?:membantu|menjawab|memberikan|memenuhi|melakukan|menyediakan|itu|ini|permintaan)",
}
"""The refusal itself."""

NEEDED: Mapping[str, str] = {
    "en": "can't|can\u2019t|cannot|can not|could not|couldn|unable|not able|won't|won\u2019t|will not|decline|refuse|not allowed|not permitted|not comfortable|comfortable|not going|rather not|prefer not|not in a|not programmed|not designed|against|violat|in line with|conflict|not something|do not|don't|don\u2019t",
    "de": "nicht|keine|ablehnen|als ki|als sprach|als assist",
    "fr": "ne |n'|n\u2019|refus|déclin|impossible|en tant",
    "es": "no |rechazar|declinar|como ia|como asis|como modelo",
    "it": "non |rifiut|declin|come ia|come assis|come modello",
    "pt": "não |nao |recusar|como ia|como assis|como modelo",
    "nl": "niet|geen|weiger|als ai|als taal|als assis",
    "pl": "nie |odm|jako ",
    "ru": "не |отказ|как ",
    "uk": "не |відмов|як ",
    "zh": "无法|不能|無法|不便|没有办法|沒有辦法|拒绝|拒絕|不可以|难以|作为",
    "ja": "できません|いたしかね|できかね|致しかね|お断り|できない",
    "ko": "수 없|없습니다|어렵|못합|거절|거부",
    "ar": "لا |لن |لست |أعتذر|يجب",
    "hi": "नहीं|असमर्थ|अस्वीकार|सक्षम",
    "tr": "mam|mem|yorum|yoruz",
    "vi": "không|từ chối",
    "id": "tidak|menolak",
}
"""Words of which a refusal holds one: a quick look before the pattern."""
