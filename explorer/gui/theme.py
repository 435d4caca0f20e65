"""How everything looks: named colours that make the palette and the style sheet, and the type.

Widgets that paint themselves read `current()` while they paint and repaint on `notifier.changed`. What the
style sheet offers to others (set with `setObjectName` or `setProperty`):

- labels named `quiet`, `modelName`, `dockTitle`, `emptyTitle`; property `level` = `error` | `warning`
- buttons named `primary` (filled with the accent); property `kind` = `chip` (round ends) | `bare` (no line)
- tool buttons with `autoRaise` have no line until they are touched
"""

from __future__ import annotations

import string
import sys
from dataclasses import dataclass
from functools import cached_property, lru_cache

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from explorer import paths
from explorer.gui import settings

FONT_PIXELS = 13
SMALL_PIXELS = 12
PREFERRED_FAMILY = "Inter"
CJK_FAMILIES = (
    "Noto Sans CJK SC",
    "PingFang SC",
    "Microsoft YaHei UI",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
)


@dataclass(frozen=True, eq=False)
class Theme:
    """One set of colours, by what they are for."""

    name: str
    window: QColor
    panel: QColor
    line: QColor
    text: QColor
    quiet: QColor
    on_accent: QColor
    error: QColor
    warning: QColor
    focus: QColor
    accent: QColor
    track: QColor
    here: QColor
    star: QColor

    @property
    def is_dark(self) -> bool:
        """Whether text is lighter than what it stands on."""
        return self.text.lightness() > self.panel.lightness()

    @cached_property
    def tint(self) -> QColor:
        """What a focused row stands on: the accent at 8 % over the panel."""
        return mix(self.accent, 0.08, self.panel)

    @cached_property
    def hover(self) -> QColor:
        """What a control stands on under the pointer."""
        return mix(self.text, 0.05, self.panel)

    @cached_property
    def pressed(self) -> QColor:
        """What a control stands on while it is held."""
        return mix(self.text, 0.1, self.panel)

    @cached_property
    def disabled(self) -> QColor:
        """Text of what cannot be used now."""
        return mix(self.quiet, 0.55, self.panel)

    @cached_property
    def tick(self) -> QColor:
        """Marks on a scale."""
        return mix(self.quiet, 0.5, self.panel)

    @cached_property
    def bar(self) -> QColor:
        """The filled part of a small gauge, such as influence."""
        return mix(self.accent, 0.62, self.panel)


def mix(top: QColor, share: float, below: QColor) -> QColor:
    """Return the opaque colour of `top` painted with opacity `share` (0..1) over `below`."""
    parts = zip(_rgb(top), _rgb(below), strict=True)
    return QColor(*(round(255 * (share * a + (1 - share) * b)) for a, b in parts))


def _rgb(color: QColor) -> tuple[float, float, float]:
    return color.redF(), color.greenF(), color.blueF()


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast ratio of two opaque colours, 1..21 (WCAG 2.2, "contrast ratio")."""

    def luminance(color: QColor) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(color)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _theme(name: str, **tokens: str) -> Theme:
    return Theme(name, **{token: QColor(value) for token, value in tokens.items()})


LIGHT = _theme(
    "light",
    window="#F4F5F7",
    panel="#FFFFFF",
    line="#E1E4EA",
    text="#1C2230",
    quiet="#5A6376",
    on_accent="#FFFFFF",
    error="#B42318",
    warning="#93590A",
    focus="#3D5AFE",
    accent="#3D5AFE",
    track="#DDE1EA",
    here="#FF5C8A",
    star="#F5A524",
)
DARK = _theme(
    "dark",
    window="#14161B",
    panel="#1C1F26",
    line="#2A2E38",
    text="#E6E9F0",
    quiet="#98A0B3",
    on_accent="#14161B",
    error="#FF8A80",
    warning="#F7C164",
    focus="#7C93FF",
    accent="#7C93FF",
    track="#323846",
    here="#FF5C8A",
    star="#F5A524",
)


class Notifier(QObject):
    """Tells when the theme changed; follows the system where asked to."""

    changed = Signal()

    def on_scheme_changed(self) -> None:
        """Take the system's light or dark."""
        application = QApplication.instance()
        if isinstance(application, QApplication) and _state.preference == "system":
            apply_theme(application, _system_theme(application))


@dataclass
class _State:
    theme: Theme = LIGHT
    preference: str = "system"
    is_following: bool = False


_state = _State()
notifier = Notifier()


def current() -> Theme:
    """Return the theme that is shown."""
    return _state.theme


def preference() -> str:
    """Return what was asked for: `system`, `light` or `dark`."""
    return _state.preference


def prefer(name: str) -> None:
    """Show `light`, `dark`, or what the `system` shows, now and at the next start."""
    if name not in settings.APPEARANCES:
        raise ValueError(f"no such appearance: {name}")
    _state.preference = name
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    settings.save(appearance=name)
    apply_theme(application, {"light": LIGHT, "dark": DARK}.get(name) or _system_theme(application))


def follow_system(application: QApplication) -> None:
    """Apply the appearance that was preferred last, by default the system's, and follow its changes."""
    _state.preference = settings.load().appearance
    if not _state.is_following:
        _state.is_following = True
        application.styleHints().colorSchemeChanged.connect(notifier.on_scheme_changed)
    chosen = {"light": LIGHT, "dark": DARK}.get(_state.preference)
    apply_theme(application, chosen or _system_theme(application))


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Give the application a theme: style, palette, font and style sheet; emits `notifier.changed`."""
    is_first = application.property("themed") is None
    if is_first:
        application.setProperty("themed", True)
        application.setStyle("Fusion")
        application.setFont(base_font())
    elif theme is _state.theme:
        return
    _state.theme = theme
    application.setPalette(palette(theme))
    application.setStyleSheet(style_sheet(theme))
    notifier.changed.emit()


def _system_scheme(application: QApplication) -> Qt.ColorScheme:
    return application.styleHints().colorScheme()


def _system_theme(application: QApplication) -> Theme:
    return DARK if _system_scheme(application) == Qt.ColorScheme.Dark else LIGHT


# ---- type ----


def base_font(pixels: int = FONT_PIXELS, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return the interface's font: Inter where it is installed, else the system's, with CJK behind it."""
    system = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font = QFont(system)
    font.setFamilies(_families(system.family()))
    font.setPixelSize(pixels)
    font.setWeight(weight)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)  # even spacing; 8 % narrower
    return font


@lru_cache(maxsize=4)
def _families(system: str) -> tuple[str, ...]:
    """Return what text is drawn in where the system's font is this one; every painted row asks for it."""
    wanted = (*(() if sys.platform in ("darwin", "win32") else (PREFERRED_FAMILY,)), system)
    usable = [family for family in dict.fromkeys(wanted) if _is_usable(family)]
    return (*usable, *(family for family in CJK_FAMILIES if QFontDatabase.hasFamily(family)))


def _is_usable(family: str) -> bool:
    return bool(family) and (QFontDatabase.hasFamily(family) or family != PREFERRED_FAMILY)


def numbers_font(pixels: int = FONT_PIXELS) -> QFont:
    """Return the font for numbers that stand in columns: tabular figures where Qt can ask for them (6.7)."""
    font = base_font(pixels)
    if hasattr(font, "setFeature"):
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


# ---- palette and style sheet ----


def palette(theme: Theme) -> QPalette:
    """Return the palette of a theme, for whatever the style sheet does not reach."""
    role = QPalette.ColorRole
    colors = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.window,
        role.Text: theme.text,
        role.Button: theme.panel,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.PlaceholderText: theme.quiet,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.ToolTipBase: theme.panel,
        role.ToolTipText: theme.text,
        role.Light: theme.panel,
        role.Midlight: theme.line,
        role.Mid: theme.line,
        role.Dark: theme.track,
        role.Shadow: theme.track,
    }
    made = QPalette()
    for name, color in colors.items():
        made.setColor(name, color)
    for name in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, name, theme.disabled)
    made.setColor(QPalette.ColorGroup.Disabled, role.Highlight, theme.track)
    return made


def style_sheet(theme: Theme) -> str:
    """Return the style sheet of a theme, made from `resources/style.qss` and its colours."""
    colors = {name: value.name() for name, value in vars(theme).items() if isinstance(value, QColor)}
    for name in ("tint", "hover", "pressed", "disabled", "bar"):
        colors[name] = getattr(theme, name).name()
    colors["accent_hover"] = mix(theme.text, 0.12, theme.accent).name()
    colors["accent_pressed"] = mix(theme.text, 0.24, theme.accent).name()
    colors["scroll"] = mix(theme.quiet, 0.35, theme.panel).name()
    colors["scroll_hover"] = mix(theme.quiet, 0.6, theme.panel).name()
    template = (paths.resources() / "style.qss").read_text("utf-8")
    icons = (paths.resources() / "icons").as_posix()
    return string.Template(template).substitute(colors, icons=icons, name=theme.name, small=SMALL_PIXELS)
