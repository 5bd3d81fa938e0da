"""What a browser is called: `Firefox on Windows` instead of the line that it sends about itself."""

import re

# The first that fits: browsers name those they were made from as well, so the special ones stand before the others.
_BROWSERS = (
    ("Edg(e|A|iOS)?/", "Edge"),
    ("OPR/|Opera", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/|FxiOS/", "Firefox"),
    ("Chrome/|CriOS/|Chromium/", "Chrome"),
    ("Version/.*Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X|Macintosh", "a Mac"),
    ("Linux", "Linux"),
)


def browser_words(user_agent: str | None) -> str:
    """A browser in words, as it presents itself; what is no browser, such as a script, by the first 60 characters."""
    if not user_agent:
        return "A browser that does not say which"
    browser = next((name for pattern, name in _BROWSERS if re.search(pattern, user_agent)), "")
    system = next((name for pattern, name in _SYSTEMS if re.search(pattern, user_agent)), "")
    if not browser:
        return user_agent[:60]
    return f"{browser} on {system}" if system else browser
