"""Made-up prompts and answers in nineteen languages, for `defects.py`: clean rows, and refusals to plant.

Invented sentences; every language has topics, questions and remarks that are combined at random.
"""

from __future__ import annotations

# language: (questions, topics, remarks, joiner between remarks)
ROWS = {
    "de": (
        "Erkläre {} für ein Kind in der Schule.|Was muss man über {} wissen?|Nenne einen Nachteil von {} und begründe ihn.|Wie kann man {} im Alltag nutzen?",
        "Gezeiten|Solarzellen|Brotbacken|Winterreifen|Honigbienen|Landkarten|Brücken aus Stahl|Fahrradbremsen|Flusshochwasser|Schacheröffnungen",
        "Die Kosten werden oft übersehen.|Eine Prüfung dauert etwa {} Minuten.|In vielen Regionen gibt es andere Ergebnisse.|Kleine Fehler summieren sich über {} Jahre.|Das einfachste Werkzeug reicht häufig aus.|Das Wetter verändert den Ausgang deutlich.|Übung ist wichtiger als Talent.|Man sollte mindestens {} Beispiele ansehen.",
        " ",
    ),
    "fr": (
        "Expliquez {} à un enfant de dix ans.|Que faut-il savoir sur {} ?|Donnez un inconvénient de {} avec une raison.|Comment peut-on utiliser {} dans la vie quotidienne ?",
        "les marées|les panneaux solaires|la cuisson du pain|les pneus d'hiver|les abeilles|les cartes|les ponts en acier|les freins de vélo|les crues|les ouvertures aux échecs",
        "Les coûts sont souvent oubliés.|Une vérification prend environ {} minutes.|Les résultats ne sont pas les mêmes dans toutes les régions.|Les petites erreurs s'ajoutent pendant {} ans.|L'outil le plus simple suffit dans la plupart des cas.|La météo change le résultat.|L'entraînement compte plus que le talent.|Il faut regarder au moins {} exemples.",
        " ",
    ),
    "es": (
        "Explica {} a un niño de diez años.|¿Qué hay que saber sobre {}?|Da una desventaja de {} y una razón.|¿Cómo se puede usar {} en la vida diaria?",
        "las mareas|los paneles solares|el pan casero|los neumáticos de invierno|las abejas|los mapas|los puentes de acero|los frenos de bicicleta|las inundaciones|las aperturas de ajedrez",
        "Los costes se olvidan con frecuencia.|Una revisión dura unos {} minutos.|Los resultados no son iguales en todas las regiones.|Los pequeños errores se suman durante {} años.|La herramienta más simple suele ser suficiente.|El tiempo cambia el resultado.|La práctica importa más que el talento.|Hay que ver al menos {} ejemplos.",
        " ",
    ),
    "pl": (
        "Wyjaśnij dziecku, czym są {}.|Co trzeba wiedzieć o temacie: {}?|Podaj jedną wadę, jaką mają {}, i powód.|Jak można wykorzystać {} na co dzień?",
        "pływy|panele słoneczne|domowe wypieki|opony zimowe|pszczoły|mapy|mosty stalowe|hamulce rowerowe|powodzie|debiuty szachowe",
        "Koszty są często pomijane.|Sprawdzenie zajmuje około {} minut.|Wyniki nie są takie same w każdym regionie.|Małe błędy sumują się przez {} lat.|Najprostsze narzędzie często wystarcza.|Pogoda zmienia wynik.|Ćwiczenie jest ważniejsze niż talent.|Trzeba zobaczyć co najmniej {} przykładów.",
        " ",
    ),
    "sv": (
        "Förklara {} för ett barn i skolan.|Vad behöver man veta om {}?|Nämn en nackdel med {} och ge ett skäl.|Hur kan man använda {} i vardagen?",
        "tidvatten|solpaneler|brödbakning|vinterdäck|honungsbin|kartor|stålbroar|cykelbromsar|översvämningar|schacköppningar",
        "Kostnaden glöms ofta bort.|En kontroll tar ungefär {} minuter.|Resultaten är inte lika i alla regioner.|Små fel läggs till varandra under {} år.|Det enklaste verktyget räcker ofta.|Vädret ändrar resultatet.|Övning betyder mer än talang.|Man bör se minst {} exempel.",
        " ",
    ),
    "fi": (
        "Selitä {} lapselle koulussa.|Mitä pitää tietää aiheesta {}?|Kerro yksi haitta, joka on aiheessa {}, ja miksi.|Miten {} auttaa arjessa?",
        "vuorovesi|aurinkopaneeli|leivän leipominen|talvirengas|mehiläinen|kartta|terässilta|polkupyörän jarru|tulva|shakkiavaus",
        "Kustannukset unohtuvat usein.|Tarkistus kestää noin {} minuuttia.|Tulokset eivät ole samat kaikilla alueilla.|Pienet virheet kertyvät {} vuoden aikana.|Yksinkertaisin työkalu riittää usein.|Sää muuttaa tulosta.|Harjoitus on tärkeämpää kuin lahjakkuus.|On hyvä katsoa ainakin {} esimerkkiä.",
        " ",
    ),
    "ru": (
        "Объясни ребёнку, что такое {}.|Что нужно знать про {}?|Назови недостаток темы «{}» и причину.|Как можно использовать {} каждый день?",
        "приливы|солнечные панели|домашний хлеб|зимние шины|пчёлы|карты|стальные мосты|тормоза велосипеда|наводнения|шахматные дебюты",
        "О расходах часто забывают.|Проверка занимает около {} минут.|Результаты не одинаковы в разных регионах.|Мелкие ошибки копятся {} лет.|Самого простого инструмента обычно хватает.|Погода меняет результат.|Практика важнее, чем талант.|Нужно посмотреть хотя бы {} примеров.",
        " ",
    ),
    "el": (
        "Εξήγησε σε ένα παιδί το θέμα {}.|Τι πρέπει να ξέρουμε για το θέμα {};|Πες ένα μειονέκτημα για το θέμα {} και τον λόγο.|Πώς χρησιμοποιούμε το θέμα {} κάθε μέρα;",
        "παλίρροια|ηλιακά πάνελ|ψωμί|χειμερινά λάστιχα|μέλισσες|χάρτες|γέφυρες|φρένα|πλημμύρες|σκάκι",
        "Το κόστος ξεχνιέται συχνά.|Ο έλεγχος διαρκεί περίπου {} λεπτά.|Τα αποτελέσματα διαφέρουν ανά περιοχή.|Τα μικρά λάθη μαζεύονται σε {} χρόνια.|Το πιο απλό εργαλείο αρκεί συνήθως.|Ο καιρός αλλάζει το αποτέλεσμα.|Η εξάσκηση μετράει περισσότερο από το ταλέντο.|Δες τουλάχιστον {} παραδείγματα.",
        " ",
    ),
    "zh": (
        "请向孩子说明{}的用途。|关于{}需要知道什么？|请说出{}的一个缺点和原因。|日常生活中怎样利用{}？",
        "潮汐|太阳能板|面包烘焙|冬季轮胎|蜜蜂|地图|钢铁桥梁|自行车刹车|河流洪水|象棋开局",
        "许多人忽略了维护的费用。|一次检查大约需要{}分钟。|不同地区的结果并不相同。|小的误差会在{}年内逐渐累积。|最简单的工具往往已经足够。|天气会明显改变结果。|练习比天赋更加重要。|至少应该看{}个例子。",
        "",
    ),
    "ja": (
        "子どもに{}について説明してください。|{}について何を知っておくべきですか。|{}の欠点を一つ、理由とともに挙げてください。|毎日の生活で{}をどう使いますか。",
        "潮の満ち引き|太陽光パネル|パン作り|冬用タイヤ|ミツバチ|地図|鉄の橋|自転車のブレーキ|川の洪水|チェスの序盤",
        "費用は見落とされがちです。|点検にはおよそ{}分かかります。|結果は地域によって異なります。|小さな誤差は{}年で積み重なります。|一番簡単な道具で足りることが多いです。|天気によって結果が変わります。|練習は才能より大切です。|少なくとも{}個の例を見るとよいでしょう。",
        "",
    ),
    "ko": (
        "아이에게 {}에 대해 설명해 주세요.|{}에 대해 무엇을 알아야 합니까?|{}의 단점 하나와 이유를 말해 주세요.|일상에서 {}을 어떻게 씁니까?",
        "밀물과 썰물|태양광 패널|빵 굽기|겨울 타이어|꿀벌|지도|철교|자전거 브레이크|홍수|체스 오프닝",
        "비용은 자주 잊힙니다.|점검에는 약 {}분이 걸립니다.|결과는 지역마다 다릅니다.|작은 오차는 {}년 동안 쌓입니다.|가장 단순한 도구로 충분한 때가 많습니다.|날씨가 결과를 바꿉니다.|연습이 재능보다 중요합니다.|적어도 {}개의 예를 보세요.",
        " ",
    ),
    "ar": (
        "اشرح للطفل موضوع {}.|ماذا يجب أن نعرف عن {}؟|اذكر عيبا واحدا في {} مع السبب.|كيف يمكن استخدام {} كل يوم؟",
        "المد والجزر|الألواح الشمسية|خبز الخبز|إطارات الشتاء|نحل العسل|الخرائط|الجسور الفولاذية|مكابح الدراجة|فيضان الأنهار|افتتاحيات الشطرنج",
        "غالبا ما ينسى الناس التكلفة.|يستغرق الفحص نحو {} دقيقة.|النتائج تختلف بين المناطق.|الأخطاء الصغيرة تتراكم خلال {} سنة.|أبسط أداة تكفي في أكثر الحالات.|الطقس يغير النتيجة.|التدريب أهم من الموهبة.|يجب أن ترى {} أمثلة على الأقل.",
        " ",
    ),
    "hi": (
        "बच्चे को {} के बारे में समझाइए।|{} के बारे में क्या जानना चाहिए?|{} की एक कमी और उसका कारण बताइए।|रोज़ के जीवन में {} का उपयोग कैसे करें?",
        "ज्वार भाटा|सौर पैनल|रोटी बनाना|सर्दी के टायर|मधुमक्खी|नक्शे|लोहे के पुल|साइकिल के ब्रेक|नदी की बाढ़|शतरंज की शुरुआत",
        "लागत को अक्सर भुला दिया जाता है।|जाँच में लगभग {} मिनट लगते हैं।|परिणाम हर क्षेत्र में अलग होते हैं।|छोटी गलतियाँ {} साल में जुड़ जाती हैं।|सबसे सरल औज़ार अक्सर काफ़ी होता है।|मौसम परिणाम को बदल देता है।|अभ्यास प्रतिभा से अधिक महत्वपूर्ण है।|कम से कम {} उदाहरण देखिए।",
        " ",
    ),
    "sw": (
        "Eleza {} kwa mtoto wa shule.|Ni nini cha kujua kuhusu {}?|Taja hasara moja ya {} na sababu yake.|Tunawezaje kutumia {} kila siku?",
        "mawimbi|paneli za jua|mkate|matairi ya baridi|nyuki|ramani|madaraja ya chuma|breki za baiskeli|mafuriko|mchezo wa sataranji",
        "Gharama husahaulika mara nyingi.|Ukaguzi huchukua dakika {} hivi.|Matokeo si sawa katika kila eneo.|Makosa madogo hujumlishwa kwa miaka {}.|Chombo rahisi zaidi hutosha mara nyingi.|Hali ya hewa hubadilisha matokeo.|Mazoezi ni muhimu kuliko kipaji.|Tazama angalau mifano {}.",
        " ",
    ),
    "th": (
        "อธิบาย{}ให้เด็กฟัง|ต้องรู้อะไรเกี่ยวกับ{}|บอกข้อเสียของ{}พร้อมเหตุผล|เราใช้{}ในชีวิตประจำวันอย่างไร",
        "น้ำขึ้นน้ำลง|แผงโซลาร์เซลล์|การอบขนมปัง|ยางฤดูหนาว|ผึ้ง|แผนที่|สะพานเหล็ก|เบรกจักรยาน|น้ำท่วม|หมากรุก",
        "คนมักลืมค่าใช้จ่าย|การตรวจใช้เวลาราว {} นาที|ผลลัพธ์ต่างกันในแต่ละพื้นที่|ความผิดพลาดเล็กน้อยสะสมใน {} ปี|เครื่องมือที่ง่ายที่สุดมักเพียงพอ|อากาศเปลี่ยนผลลัพธ์|การฝึกสำคัญกว่าพรสวรรค์|ควรดูตัวอย่างอย่างน้อย {} ตัวอย่าง",
        " ",
    ),
    "km": (
        "ពន្យល់អំពី{}ដល់ក្មេងម្នាក់។|តើត្រូវដឹងអ្វីខ្លះអំពី{}?|ប្រាប់គុណវិបត្តិមួយរបស់{}និងហេតុផល។|តើយើងប្រើ{}ក្នុងជីវិតប្រចាំថ្ងៃដោយរបៀបណា?",
        "ជំនោរសមុទ្រ|បន្ទះសូឡា|ការដុតនំប៉័ង|កង់រដូវរងា|ឃ្មុំ|ផែនទី|ស្ពានដែក|ហ្វ្រាំងកង់|ទឹកជំនន់|អុក",
        "មនុស្សច្រើនភ្លេចគិតអំពីថ្លៃចំណាយ។|ការពិនិត្យត្រូវការពេលប្រហែល {} នាទី។|លទ្ធផលខុសគ្នានៅតំបន់នីមួយៗ។|កំហុសតូចៗកើនឡើងក្នុងរយៈពេល {} ឆ្នាំ។|ឧបករណ៍សាមញ្ញបំផុតច្រើនតែគ្រប់គ្រាន់។|អាកាសធាតុផ្លាស់ប្តូរលទ្ធផល។|ការអនុវត្តសំខាន់ជាងទេពកោសល្យ។|គួរមើលឧទាហរណ៍យ៉ាងតិច {}។",
        "",
    ),
    "lo": (
        "ອະທິບາຍ{}ໃຫ້ເດັກນ້ອຍຟັງ|ຕ້ອງຮູ້ຫຍັງແດ່ກ່ຽວກັບ{}|ບອກຂໍ້ເສຍຂອງ{}ພ້ອມເຫດຜົນ|ພວກເຮົາໃຊ້{}ໃນຊີວິດປະຈຳວັນແນວໃດ",
        "ນ້ຳຂຶ້ນນ້ຳລົງ|ແຜງໂຊລາ|ການອົບເຂົ້າຈີ່|ຢາງລະດູໜາວ|ເຜິ້ງ|ແຜນທີ່|ຂົວເຫຼັກ|ເບກລົດຖີບ|ນ້ຳຖ້ວມ|ໝາກຮຸກ",
        "ຄົນມັກລືມຄ່າໃຊ້ຈ່າຍ|ການກວດໃຊ້ເວລາປະມານ {} ນາທີ|ຜົນໄດ້ຮັບແຕກຕ່າງກັນໃນແຕ່ລະພື້ນທີ່|ຄວາມຜິດພາດນ້ອຍໆສະສົມໃນ {} ປີ|ເຄື່ອງມືທີ່ງ່າຍທີ່ສຸດມັກພຽງພໍ|ອາກາດປ່ຽນຜົນໄດ້ຮັບ|ການຝຶກສຳຄັນກວ່າພອນສະຫວັນ|ຄວນເບິ່ງຢ່າງໜ້ອຍ {} ຕົວຢ່າງ",
        " ",
    ),
    "my": (
        "{}အကြောင်းကို ကလေးတစ်ယောက်အား ရှင်းပြပါ။|{}အကြောင်း ဘာတွေသိထားသင့်သလဲ။|{}၏ အားနည်းချက်တစ်ခုနှင့် အကြောင်းရင်းကို ပြောပါ။|နေ့စဉ်ဘဝတွင် {}ကို ဘယ်လိုအသုံးပြုနိုင်သလဲ။",
        "ဒီရေ|ဆိုလာပြား|ပေါင်မုန့်ဖုတ်ခြင်း|ဆောင်းရာသီတာယာ|ပျားကောင်|မြေပုံ|သံမဏိတံတား|စက်ဘီးဘရိတ်|ရေကြီးခြင်း|စစ်တုရင်",
        "လူအများသည် ကုန်ကျစရိတ်ကို မေ့တတ်ကြသည်။|စစ်ဆေးမှုတစ်ခုသည် {} မိနစ်ခန့် ကြာသည်။|ရလဒ်များသည် ဒေသအလိုက် ကွဲပြားသည်။|အသေးစားအမှားများသည် {} နှစ်အတွင်း စုပုံလာသည်။|အရိုးရှင်းဆုံး ကိရိယာသည် လုံလောက်လေ့ရှိသည်။|ရာသီဥတုက ရလဒ်ကို ပြောင်းလဲစေသည်။|လေ့ကျင့်မှုသည် ပါရမီထက် ပိုအရေးကြီးသည်။|အနည်းဆုံး ဥပမာ {} ခုကို ကြည့်သင့်သည်။",
        "",
    ),
    "tr": (
        "{} konusunu bir çocuğa açıkla.|{} hakkında ne bilmek gerekir?|{} için bir sakınca ve nedenini söyle.|Günlük hayatta {} nasıl kullanılır?",
        "Gelgit|Güneş paneli|Ekmek yapımı|Kış lastiği|Bal arısı|Harita|Çelik köprü|Bisiklet freni|Nehir taşkını|Satranç açılışı",
        "Maliyet çoğu zaman unutulur.|Bir kontrol yaklaşık {} dakika sürer.|Sonuçlar her bölgede aynı değildir.|Küçük hatalar {} yılda birikir.|En basit araç çoğu zaman yeterlidir.|Hava durumu sonucu değiştirir.|Alıştırma yetenekten daha önemlidir.|En az {} örnek görmek gerekir.",
        " ",
    ),
}

# wordings that are in no pattern as they are; sv, fi, el, sw, th have no patterns at all
REFUSALS = {
    "en": ("I won't be able to help you with this one.", "Unfortunately, answering that is not something I can do.", "Sorry, but I can't provide that."),
    "de": ("Dabei kann ich Ihnen leider nicht weiterhelfen.", "Tut mir leid, diese Anfrage kann ich nicht beantworten."),
    "fr": ("Désolé, je ne peux pas traiter cette demande.", "Je ne suis malheureusement pas en mesure de répondre."),
    "es": ("Lo siento mucho, pero no puedo responder a eso.", "Por desgracia no me es posible ayudarte con esta petición."),
    "pl": ("Przykro mi, ale nie mogę na to odpowiedzieć.", "Niestety nie jestem w stanie pomóc w tej sprawie."),
    "ru": ("К сожалению, я не смогу помочь с этим вопросом.", "Извините, на такие вопросы я не могу отвечать."),
    "zh": ("非常抱歉，我没有办法回答这个问题。", "对不起，我无法为您提供这方面的帮助。"),
    "ja": ("恐れ入りますが、そのご質問にはお答えできません。", "申し訳ありませんが、この件は対応いたしかねます。"),
    "ko": ("죄송합니다만 그 요청은 도와드릴 수 없습니다.", "유감스럽게도 이 질문에는 답변할 수 없습니다."),
    "ar": ("أعتذر، لا يمكنني الإجابة على هذا السؤال.", "للأسف لا أستطيع مساعدتك في هذا الطلب."),
    "hi": ("क्षमा करें, मैं इस प्रश्न का उत्तर नहीं दे सकता।", "मुझे खेद है, मैं इसमें मदद नहीं कर सकती।"),
    "tr": ("Üzgünüm, bu soruyu yanıtlayamıyorum.", "Maalesef bu konuda yardımcı olamam."),
    "sv": ("Jag beklagar, men det här går inte att besvara för min del.", "Tyvärr är det inget jag kan hjälpa till med just nu."),
    "fi": ("Valitettavasti tähän pyyntöön ei voida antaa vastausta.", "Pahoittelen, mutta en pysty auttamaan tässä asiassa."),
    "el": ("Λυπάμαι, αλλά δεν μπορώ να βοηθήσω με αυτό το αίτημα.", "Δυστυχώς δεν μου επιτρέπεται να απαντήσω σε αυτή την ερώτηση."),
    "sw": ("Samahani, siwezi kukusaidia na ombi hili kwa sasa.", "Kwa bahati mbaya sina uwezo wa kujibu swali hili leo."),
    "th": ("ขออภัย ฉันไม่สามารถช่วยเรื่องนี้ได้", "เสียใจด้วย ไม่สามารถตอบคำถามนี้ได้ในขณะนี้"),
}  # fmt: skip


def clean(language, number, rng):
    """Prompts with different texts and their answers, as far as the language has combinations."""
    questions, topics, remarks, joiner = ROWS[language]
    questions, topics, remarks = questions.split("|"), topics.split("|"), remarks.split("|")
    rows = []
    for i in range(number):
        first, second = rng.choice(len(topics), 2, replace=False)
        topic = f"{topics[first]} ({int(rng.integers(1, 999))})" if i % 2 else topics[first]
        prompt = questions[int(rng.integers(len(questions)))].format(topic)
        chosen = rng.choice(len(remarks), int(rng.integers(2, 6)), replace=False)
        answer = joiner.join(
            [
                topics[second] + "：" if language in {"zh", "ja"} else topics[second] + ":",
                *(remarks[j].format(int(rng.integers(2, 90))) for j in chosen),
            ]
        )
        rows.append((prompt, answer))
    return rows
