"""Function words by language: data for :mod:`languages`. Written for this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "Latin": {
        "English": "the of and to in is are was were that this it for on with as by from at be been have has had not but or an can will would should their they there which what when how who you your we our more than about into if its also these those do does did could may while because between such most some other only after before each",
        "German": "der die das und ist sind war ein eine einen einer einem eines nicht mit für auf von zu zum zur im den dem des sich auch als an es wird werden wurde haben hat oder aber wie was wenn nach bei aus über durch noch nur kann können man ich sie er wir ihr dass diese dieser dieses mehr sehr zwischen warum bitte vom beim sowie weil damit um",
        "French": "le la les un une des du de et est sont était dans en que qui quoi pour pas ne sur avec par plus ce cette ces il elle ils elles nous vous je au aux ou mais comme être avoir fait peut sans leur leurs son sa ses se si tout tous très aussi entre pourquoi comment quand donc ainsi lors dont l'on c'est qu'il d'un d'une n'est",
        "Spanish": "gente menudo mayor menos mismo misma otros otras hace tiempo algunos esos aunque entonces nunca siempre mejor suele hay el la los las un una unos unas de del y es son era en que para por con no se su sus al lo como más pero o este esta estos estas ese eso muy también entre cuando qué cómo porque fue ser está están hay puede pueden sobre sin hasta desde donde ya todo todos nos les si cada así según durante",
        "Italian": "il lo la i gli le un uno una di del della dei delle dello e è sono era in nel nella che per con non si su sul sulla da dal dalla come più ma o questo questa questi queste anche tra fra quando perché cosa essere può possono molto ci ha hanno al alla ai alle suo sua loro ogni dove così degli nei quindi",
        "Portuguese": "o a os as um uma de do da dos das e é são era em no na nos nas que para por com não se seu sua seus suas ao à como mais mas ou este esta isso isto também entre quando porque foi ser está estão há pode podem sobre sem até muito já pelo pela pelos você eles elas cada num numa assim quais qual",
        "Dutch": "de het een en is vaak ongeveer soms altijd alle andere veel minder samen zelf waar die daarom zijn was van in op te dat die voor met niet aan er om ook als bij naar uit door over maar of dan nog wel kan kunnen worden wordt werd heeft hebben deze dit hun hij zij wij je we wat hoe waarom wanneer meer zeer tussen geen zoals omdat dus veel moet tot onder",
        "Swedish": "och att det som ofta man bör är alla ungefär minst under andra några inga inte vilka vilket hela samma sedan själv måste många en ett är var på för med av till den de inte om har hade kan ska från eller men så när hur vad varför också mer mycket mellan vid efter under där detta denna dessa sig sin sina ut upp över genom bara eftersom mot skulle blir bli ni vi jag han hon",
        "Danish or Norwegian": "og at det som en et er var på for med af av til den de ikke om har havde hadde kan skal fra eller men så når hvordan hvad hva hvorfor også mer mere meget mye mellem mellom ved efter etter under der dette denne disse sig seg sin ut ud op opp over gjennom gennem bare fordi mod mot blir bliver vi jeg han hun",
        "Finnish": "ja on ei se että usein noin paljon kuitenkin eivät mukaan kaikilla kaikissa ainakin aikana enää aina joskus tällä tässä siitä niitä useita monet itse saa tulee täytyy pitää kannattaa joka oli ovat mutta tai kun niin myös kuin sen hän ne tämä nämä jotka voi olla mitä miten miksi koska vain jos enemmän hyvin kanssa mukaan sekä ennen jälkeen kaikki minä sinä me te he ole eivät jossa joiden sitä tätä",
        "Polish": "i w z na do się nie często około zawsze można należy trzeba każdy każdym niż inne wszystkie jednak jest są to że o jak ale lub oraz po od za przez dla być był była było może mogą czy tak już tylko także też który która które których przy co jego jej ich ten ta te tym tego bardzo więcej między dlaczego kiedy gdy ponieważ we ze bez pod",
        "Czech": "a v z na do se ne je jsou to že o jak ale nebo po od za pro být byl byla bylo může mohou tak už jen také který která které při co jeho její jejich ten ta tento tato velmi více mezi proč když protože ve ze bez pod i ani však podle jsem jste",
        "Romanian": "și în de la cu pe nu este sunt era că pentru din care mai un o ale al lui prin sau dar ca fi au are a fost poate pot între când cum ce această acest aceste acești foarte după până fără lor sa său cele cei dacă deci despre",
        "Hungarian": "a az és hogy nem is egy van volt vannak meg de vagy mint csak ha már ez azt ezt el ki be fel le amely aki ami lehet kell nagyon több között után előtt miért hogyan mert úgy így még minden ezek azok szerint során által",
        "Turkish": "ve bir bu da de değildir çoğu zaman gerekir gereklidir vardır yoktur önemlidir olabilir ilk son iyi aynı diğer bazı şekilde olduğundan yaklaşık sık genellikle içinde için ile çok daha en olarak olan gibi ama veya ne mi mı kadar sonra önce değil var yok her şey nasıl neden çünkü ise ya o onun bunu göre arasında olduğu olduğunu tarafından üzerinde hem ancak eğer",
        "Vietnamese": "và của là có không được trong cho với các một những này đó để khi như từ đến người về ra vào trên cũng thì nhiều hơn hoặc nhưng vì sao thế nào bạn tôi chúng ta đã sẽ đang bằng giữa tại rất hãy cần phải",
        "Indonesian": "dan yang di ke dari untuk dengan pada adalah ini itu tidak dalam akan atau juga dapat oleh sebagai karena lebih bisa ada saya anda kami mereka kita telah sudah seperti antara bagaimana mengapa apa saat agar jika tetapi namun serta secara para setiap banyak sangat",
        "Swahili": "na ya wa kwa ni katika la za cha vya kuwa hii hiyo huu kama lakini au pia sana watu moja kila hizi ambayo ambao hivyo baada kabla wakati hakuna yake wake yao nini jinsi kwamba zaidi bila hadi",
        "Tagalog": "ang ng sa mga na ay at hindi para ito siya kung may mas din rin ni si kay nang ako ikaw kami tayo sila ano paano bakit dahil pero o upang isang bawat lahat dapat maaaring kanilang kanyang",
    },
    "Cyrillic": {
        "Russian": "и в не на что с по это как из к у за от для но о же бы был была было были или если когда он она они мы вы его её их так также может могут более очень чем который которая которые при только между после до почему чтобы потому этот эта эти есть нет во",
        "Ukrainian": "і в не на що з по це як із до у за від для але про ж би був була було були або якщо коли він вона вони ми ви його її їх так також може можуть більш дуже ніж який яка які при тільки між після чому щоб тому цей ця ці є немає та й",
        "Bulgarian": "и в не на че с по това как от за но са е бил била било били или ако когато той тя те ние вие му го ги така също може могат повече много чрез който която които при само между след до защо защото тази този тези има няма да ще се със във",
    },
    "Arabic": {
        "Arabic": "في من على إلى أن هذا هذه التي الذي عن مع كان كانت لا ما هو هي أو ثم كما قد لم بين بعد قبل كل غير عند ذلك تلك إن لكن حتى أكثر يمكن يكون تكون كيف لماذا و",
        "Persian": "در از به که این را با است برای آن و یک می های تا بر هم نیز شود شده کرد بود دارد باید خود اگر یا ما شما آنها چه چرا چگونه بین هر بسیار بیشتر",
        "Urdu": "کے میں کی ہے اور سے کا کو پر ہیں یہ کہ نے ایک وہ بھی کر ہو تو جو لیے کیا تھا تھے اس ان نہیں ساتھ بہت گے گی گا کرنے کیوں کیسے",
    },
    "Devanagari": {
        "Hindi": "के में की है और से का को पर हैं यह कि ने एक वह भी कर हो तो जो लिए क्या था थे इस उन नहीं साथ बहुत होता होती करने क्यों कैसे या",
        "Marathi": "आणि आहे आहेत हे ते ही या च्या मध्ये साठी नाही एक तो ती की व पण होते होता करण्यासाठी असे काय कसे का त्या त्यांच्या हा जे मी आपण",
    },
}

SCRIPT_LANGUAGES: Mapping[str, str] = {
    "Greek": "Greek",
    "Armenian": "Armenian",
    "Hebrew": "Hebrew",
    "Bengali": "Bengali",
    "Gurmukhi": "Punjabi",
    "Gujarati": "Gujarati",
    "Odia": "Odia",
    "Tamil": "Tamil",
    "Telugu": "Telugu",
    "Kannada": "Kannada",
    "Malayalam": "Malayalam",
    "Sinhala": "Sinhala",
    "Thai": "Thai",
    "Lao": "Lao",
    "Tibetan": "Tibetan",
    "Burmese": "Burmese",
    "Georgian": "Georgian",
    "Hangul": "Korean",
    "Ethiopic": "Amharic",
    "Khmer": "Khmer",
    "Mongolian": "Mongolian",
    "Kana": "Japanese",
    "Han": "Chinese",
}

NATIVE: Mapping[str, str] = {
    "English": "english englisch anglais inglés inglese inglês engels англ 英语 英文 英語 영어 الإنجليزية अंग्रेज़ी",
    "German": "german deutsch allemand alemán tedesco alemão 德语 ドイツ語",
    "French": "french français französisch francés francese francês 法语 フランス語",
    "Spanish": "spanish español spanisch espagnol spagnolo espanhol castellano 西班牙语 スペイン語",
    "Italian": "italian italiano italienisch italien 意大利语",
    "Portuguese": "portuguese português portugiesisch portugais 葡萄牙语",
    "Dutch": "dutch nederlands niederländisch",
    "Chinese": "chinese chinesisch chinois chino mandarin 中文 汉语 漢語 中国語",
    "Japanese": "japanese japanisch japonais japonés 日语 日文 日本語",
    "Korean": "korean koreanisch 韩语 한국어",
    "Russian": "russian russisch русск",
    "Arabic": "arabic arabisch العربية",
    "Hindi": "hindi हिंदी हिन्दी",
}
