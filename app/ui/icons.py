"""The pictures beside words: 20 by 20, one stroke, in the colour of the text around them."""

from markupsafe import Markup

_PATHS = {
    "overview": "M3 17V9m5 8V4m5 13v-6m4 6V7",
    "cohorts": "M7 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm-5 8c0-3 2-5 5-5s5 2 5 5M13.5 3.3a3 3 0 0 1 0 5.4M14.5 12.2c2.1.5 3.5 2.3 3.5 4.8",
    "lessons": "M4 4.5A1.5 1.5 0 0 1 5.5 3H16v11H5.5A1.5 1.5 0 0 0 4 15.5v-11Zm0 11A1.5 1.5 0 0 0 5.5 17H16v-3",
    "learners": "M10 9.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-7 8c.5-3.5 3.3-5.5 7-5.5s6.5 2 7 5.5",
    "reminders": "M5 8a5 5 0 0 1 10 0c0 5 2 6 2 6H3s2-1 2-6Zm3.5 8.5a1.7 1.7 0 0 0 3 0",
    "roster": "M10 13V3m0 0L6 7m4-4 4 4M3 13v2.5A1.5 1.5 0 0 0 4.5 17h11a1.5 1.5 0 0 0 1.5-1.5V13",
    "words": "M3 5h14M3 10h14M3 15h8",
    "statements": "M6 3h5.5L16 7.5V17H6a1.5 1.5 0 0 1-1.5-1.5v-11A1.5 1.5 0 0 1 6 3Zm5 0v5h5M7.5 11.5h5M7.5 14h3",
    "stream": "M2.5 7c2.5-3 5-3 7.5 0s5 3 7.5 0m-15 6c2.5-3 5-3 7.5 0s5 3 7.5 0",
    "sweep": "M16.5 10a6.5 6.5 0 1 1-2-4.7M17 3v3.5h-3.5",
    "letters": "M3 5.5A1.5 1.5 0 0 1 4.5 4h11A1.5 1.5 0 0 1 17 5.5v9a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 3 14.5v-9Zm.5 0L10 11l6.5-5.5",
    "terminal": "M3 4.5h14v11H3v-11Zm3 3.5 2.5 2L6 12m4.5 0H14",
    "keys": "M12.5 10a4 4 0 1 0-3.8-2.7L3 13v4h4v-2h2v-2l1.3-1.3c.7.2 1.4.3 2.2.3Zm1-4.5h.01",
    "accounts": "M10 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4 17c0-3 2.5-5 6-5m4.5 0v2m0 4v-1m-2.5-1.5h5",
    "audit": "M10 5.5V10l3 2m4-2a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z",
    "contracts": "M6 3h8a1.5 1.5 0 0 1 1.5 1.5V17h-11V4.5A1.5 1.5 0 0 1 6 3Zm1.5 4.5 1 1 2-2m-3 5.5 1 1 2-2M12.5 8h.01m-.01 4.5h.01",
    "parts": "M3 3h6v6H3V3Zm8 0h6v6h-6V3ZM3 11h6v6H3v-6Zm8 0h6v6h-6v-6Z",
    "search": "M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12Zm4.3-1.7L17 17",
    "theme": "M10 3v14a7 7 0 0 0 0-14Zm7 7a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z",
    "more": "M5 10a.8.8 0 1 1-1.6 0A.8.8 0 0 1 5 10Zm5.8 0a.8.8 0 1 1-1.6 0 .8.8 0 0 1 1.6 0Zm5.8 0a.8.8 0 1 1-1.6 0 .8.8 0 0 1 1.6 0Z",
    "leave": "M8 3H4.5A1.5 1.5 0 0 0 3 4.5v11A1.5 1.5 0 0 0 4.5 17H8m5-3.5L16.5 10 13 6.5M16.5 10H8",
    "done": "m4 10.5 4 4 8-9",
    "progress": "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14Zm0 0v14",
    "late": "M10 5.5V10l3 2m4-2a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z",
    "broken": "M10 7v4m0 3h.01M10 3 2.5 16.5h15L10 3Z",
    "note": "M10 9.5V14m0-7h.01M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z",
    "help": "M7.8 7.8a2.3 2.3 0 1 1 3.4 2c-.8.5-1.2 1-1.2 1.9m0 2.3h.01M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z",
    "copy": "M7 7V4.5A1.5 1.5 0 0 1 8.5 3h7A1.5 1.5 0 0 1 17 4.5v7a1.5 1.5 0 0 1-1.5 1.5H13M4.5 7h7A1.5 1.5 0 0 1 13 8.5v7a1.5 1.5 0 0 1-1.5 1.5h-7A1.5 1.5 0 0 1 3 15.5v-7A1.5 1.5 0 0 1 4.5 7Z",
    "down": "M10 3v10m0 0 4-4m-4 4-4-4M3 13v2.5A1.5 1.5 0 0 0 4.5 17h11a1.5 1.5 0 0 0 1.5-1.5V13",
    "next": "m8 5 5 5-5 5",
    "close": "m5 5 10 10M15 5 5 15",
    "plus": "M10 4v12M4 10h12",
}


def icon(name: str) -> Markup:
    """The picture of this name. It says nothing to a screen reader: the words beside it do."""
    return Markup(
        '<svg class="icon" viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="currentColor" '
        'stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="{}"/></svg>'
    ).format(_PATHS[name])
