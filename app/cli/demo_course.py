"""The made-up course of `demo`: twelve short lessons for people who start in a coffee shop."""

from dataclasses import dataclass
from typing import Literal

CardKind = Literal["content", "poll", "quiz", "form", "rating"]

COURSE_URL = "https://app.7taps.com/demo/first-weeks-at-harbour-coffee"
COURSE_NAME = "First weeks at Harbour Coffee"
RATING_STEPS = 5


@dataclass(frozen=True, slots=True)
class Card:
    """One card of a lesson. correct: place of the right one among the choices, for a quiz."""

    kind: CardKind
    name: str
    text: str
    choices: tuple[str, ...] = ()
    correct: int | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson. topic: how people mention it in a sentence; tested: it is passed or failed."""

    slug: str
    title: str
    topic: str
    cards: tuple[Card, ...]
    tested: bool = False

    @property
    def url(self) -> str:
        """The address of the lesson, which is also its activity id."""
        return f"https://app.7taps.com/demo/{self.slug}"


def _content(name: str, text: str) -> Card:
    return Card("content", name, text)


def _poll(name: str, text: str, *choices: str) -> Card:
    return Card("poll", name, text, choices)


def _quiz(name: str, text: str, *choices: str, correct: int) -> Card:
    return Card("quiz", name, text, choices, correct)


def _form(text: str) -> Card:
    return Card("form", "In your own words", text)


def _rating(text: str) -> Card:
    return Card("rating", "Rate it", text)


LESSONS = (
    Lesson(
        "welcome-behind-the-bar",
        "Welcome behind the bar",
        "the welcome",
        (
            _content("Hello, and welcome", "Twelve lessons of three minutes, one every few days."),
            _content("Who is who", "Your shift lead, your buddy, and whom to call when it burns."),
            _poll(
                "Your experience",
                "How much have you worked with coffee before today?",
                "Not at all, I only drink it",
                "A little, with a machine at home",
                "I have worked in a café before",
                "I have trained other baristas",
            ),
            _rating("How ready do you feel for your first shift?"),
        ),
    ),
    Lesson(
        "dialling-in-espresso",
        "Dialling in the espresso",
        "dialling in",
        (
            _content("Grind, dose, time", "18 grams in, 36 grams out, in 25 to 30 seconds."),
            _content("Taste first", "Sour means too fast, bitter means too slow."),
            _quiz(
                "The fast shot",
                "A double shot runs through in 17 seconds and tastes sour. What do you change?",
                "Grind finer",
                "Grind coarser",
                "Use less coffee",
                "Let the machine cool down",
                correct=0,
            ),
            _quiz(
                "First thing in the morning",
                "When do you dial in?",
                "Only when a guest complains",
                "Before opening, and again when the weather or the beans change",
                "Once a week, on Mondays",
                correct=1,
            ),
        ),
    ),
    Lesson(
        "milk-texture",
        "Milk: texture before art",
        "steaming milk",
        (
            _content("Stretch, then spin", "Air in the first five seconds, then only a whirlpool."),
            _content("Between 55 and 65 °C", "Beyond that the sweetness is gone and stays gone."),
            _quiz(
                "The big bubbles",
                "Your milk has big bubbles and sounds like paper tearing. What went wrong?",
                "The wand is too deep in the jug",
                "The wand is too near the surface for too long",
                "The milk was too cold",
                correct=1,
            ),
            _form("What do you find hardest about steaming milk?"),
        ),
    ),
    Lesson(
        "allergens",
        "Allergens: ask, check, tell",
        "allergens",
        (
            _content("Ask, check, tell", "Never guess. The folder is under the till, always."),
            _quiz(
                "Oat milk",
                "A guest with coeliac disease asks for oat milk. What do you do?",
                "Serve it: oats contain no wheat",
                "Check the carton for a gluten-free mark, and say what it says",
                "Offer soy without a word",
                correct=1,
            ),
            _quiz(
                "The shared jug",
                "Almond milk was in this jug a minute ago. The next guest is allergic to nuts.",
                "Rinse it with cold water",
                "Wipe it with the bar cloth",
                "Take the clean jug with the red band",
                correct=2,
            ),
            _rating("How sure are you about allergens now?"),
        ),
        tested=True,
    ),
    Lesson(
        "clean-as-you-go",
        "Clean as you go",
        "cleaning as you go",
        (
            _content("Two cloths", "One for the wand, one for the bar, and never the other way."),
            _content("The quiet minute", "Purge, wipe, rinse, restock: every time the queue ends."),
            _quiz(
                "The steam wand",
                "When do you wipe and purge the steam wand?",
                "At closing time",
                "After every single jug",
                "When it looks dirty",
                correct=1,
            ),
        ),
    ),
    Lesson(
        "greeting-the-queue",
        "Greeting the queue",
        "greeting the queue",
        (
            _content("Ten seconds", "Look up and say hello, even when your hands are full."),
            _poll(
                "The long queue",
                "Nine people are waiting. What would help you most?",
                "A colleague taking orders along the queue",
                "A sign with the waiting time",
                "A smaller menu at rush hour",
                "Nothing, I like it busy",
            ),
            _form("Write the sentence with which you would greet a regular."),
        ),
    ),
    Lesson(
        "till-and-refunds",
        "Till, tips and refunds",
        "the till",
        (
            _content("Say the amount", "Out loud, before the card touches the reader."),
            _content("Refunds up to ten", "You may; above that your shift lead signs."),
            _quiz(
                "The wrong charge",
                "You charged 42.00 instead of 4.20. What now?",
                "Refund the difference in cash",
                "Void the payment with your shift lead and charge it again",
                "Ask the guest to call the bank",
                correct=1,
            ),
        ),
    ),
    Lesson(
        "when-an-order-goes-wrong",
        "When an order goes wrong",
        "wrong orders",
        (
            _content("Own it", "Sorry, I will make it again. No reasons, nobody to blame."),
            _quiz(
                "The cold flat white",
                "A guest says the flat white is cold. It left the bar a minute ago.",
                "Explain how quickly it was served",
                "Make a new one and bring it to the table",
                "Offer the microwave",
                correct=1,
            ),
            _form("Tell us about a complaint that ended well."),
        ),
        tested=True,
    ),
    Lesson(
        "cold-drinks",
        "Cold drinks and hot days",
        "cold drinks",
        (
            _content("Ice first", "Weigh it once, then trust the line on the cup."),
            _content("Cold brew", "Sixteen hours, dated, and gone after three days."),
            _poll(
                "The summer card",
                "Which drink would you put on the summer card?",
                "Espresso tonic",
                "Iced oat latte with cardamom",
                "Cold brew lemonade",
            ),
            _rating("How useful was this lesson?"),
        ),
    ),
    Lesson(
        "waste-less",
        "Waste less, every day",
        "waste",
        (
            _content("The white board", "What we threw away yesterday, in cups and in money."),
            _quiz(
                "The milk jug",
                "How much milk belongs in the jug for one cappuccino?",
                "Up to the rim, to be safe",
                "To the bottom of the spout",
                "As much as is left in the carton",
                correct=1,
            ),
            _form("Where does your shop waste the most, and what would you try?"),
        ),
    ),
    Lesson(
        "closing-well",
        "Closing well",
        "closing",
        (
            _content("Thirty minutes", "Backflush, count, mop, note for the morning, lights."),
            _content("The morning note", "Three lines for whoever opens: what, where, why."),
            _quiz(
                "Backflushing",
                "What do you backflush with at closing time?",
                "Hot water only",
                "The cleaning powder, then water until it runs clear",
                "Vinegar",
                correct=1,
            ),
            _rating("How confident are you to close alone?"),
        ),
    ),
    Lesson(
        "your-first-solo-shift",
        "Your first solo shift",
        "the solo shift",
        (
            _content("You know this", "Eleven lessons behind you, and a phone number that answers."),
            _quiz(
                "Power cut",
                "The lights go out at half past eight with ten guests inside. First?",
                "Make sure that everybody is safe, then call your shift lead",
                "Finish the drinks by candlelight",
                "Close the till and wait",
                correct=0,
            ),
            _quiz(
                "The allergen folder",
                "Where is the allergen folder?",
                "In the office",
                "Under the till, always",
                "On the shared drive",
                correct=1,
            ),
            _form("What should we change about these twelve lessons?"),
        ),
        tested=True,
    ),
)
"""In the order in which people meet them."""
