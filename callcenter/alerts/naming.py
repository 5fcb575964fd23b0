"""By which name somebody is told to those who need not know them in full. Pure."""

# Surnames of two characters that are still met with; every other Chinese surname is one.
_NAMES = "欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 司徒 令狐 夏侯 端木 南宫 独孤 宇文 长孙"
_COMPOUND = frozenset(_NAMES.split())
_HAN = ("\u3400", "\u9fff")


def surname(name: str) -> str:
    """What comes first in a Chinese name, last in another one."""
    name = name.strip()
    if name and _HAN[0] <= name[0] <= _HAN[1]:
        return name[:2] if name[:2] in _COMPOUND else name[0]
    return name.split()[-1] if name else ""
