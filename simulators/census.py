"""The tables a made-up town is drawn from: names, places, illnesses. No row is a real person or place."""

SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯于董萧程曹袁邓傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"

# Given names go out of fashion: (first, second) syllable by (sex, generation).
GIVEN = {
    ("f", "old"): ("秀桂玉淑凤素金月瑞翠春兰", "英兰珍芝莲云香芳娥花琴荣"),
    ("m", "old"): ("德福守永长玉兴洪连世广树", "财山林田福义全生胜厚祥昌"),
    ("f", "new"): ("丽红爱建慧美晓敏永艳秋海", "华萍霞玲芬梅燕娟云琴英清"),
    ("m", "new"): ("建国志卫新文学海立晓永民", "军强平民华明忠东波利生辉"),
}
GENERATION_TURNS = 1950

DISTRICT = "望潮区"
TOWNS = ("松石镇", "白沙镇", "渔湾镇", "桃园镇", "盐滩镇", "槐树镇", "青岬镇", "双泉镇")
VILLAGES = ("北湾村", "东沟村", "石桥村", "柳庄村", "南崖村", "西滩村", "上洼村", "灯塔村")
GATES = ("黑漆大门", "红漆大门", "蓝铁门", "木栅门", "灰铁门，门口有槐树", "双扇绿门")

ENTRY_NOTES = (
    "备用钥匙在门口花盆下",
    "备用钥匙在隔壁邻居家",
    "院门不锁，屋门推开即可",
    "院里有狗，已拴；走东侧小门",
    "钥匙盒在门框左侧，密码由值班员告知",
    "按门铃听不见，请用力敲窗",
    "后窗可开，窗下有石凳",
    "备用钥匙在村委会",
    "单元门禁按 # 呼叫",
    "",
)

# condition -> usual medicine ("" where there is none)
CONDITIONS = {
    "高血压": "氨氯地平",
    "冠心病": "阿司匹林肠溶片",
    "2型糖尿病": "二甲双胍",
    "癫痫史": "丙戊酸钠",
    "脑卒中后遗症": "氯吡格雷",
    "阿尔茨海默病": "多奈哌齐",
    "骨质疏松": "碳酸钙D3",
    "慢阻肺": "沙丁胺醇吸入剂",
    "帕金森病": "多巴丝肼",
    "房颤": "利伐沙班",
    "听力下降": "",
    "膝关节炎": "",
}
DEMENTIA = "阿尔茨海默病"
GRAVE = frozenset({"冠心病", "癫痫史", "脑卒中后遗症", DEMENTIA, "慢阻肺", "帕金森病", "房颤"})
ALLERGIES = ("", "", "", "", "", "青霉素", "磺胺类", "头孢类", "海鲜")

# age band -> weight: the bands of a home-care station's register, thinning out towards a hundred
AGE_BANDS = {(60, 69): 22, (70, 79): 40, (80, 89): 30, (90, 98): 7, (99, 100): 1}

# relation -> (sex of the contact, takes the surname of a male resident)
RELATIONS = {
    "女儿": ("f", True),
    "儿子": ("m", True),
    "儿媳": ("f", False),
    "女婿": ("m", False),
    "侄子": ("m", True),
    "孙女": ("f", True),
    "邻居": ("", False),
    "老同事": ("", False),
}
FAMILY = frozenset({"女儿", "儿子", "儿媳", "女婿", "侄子", "孙女"})

BRACELET_MODELS = ("VB-2", "VB-2", "VB-3 GNSS")
HOME_PHONE_MODELS = ("VP-1", "VP-1", "VP-4G")
