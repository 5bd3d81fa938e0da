"""What the made-up learners of `demo` answer: choices, ratings, and sentences of every mood."""

from random import Random

from app.cli.demo_course import RATING_STEPS, Card, Lesson
from app.cli.demo_learners import Learner

_HAPPY = (
    "Loved the part about {topic}, I used it on my very first shift.",
    "Short and clear. {Topic} finally makes sense to me!",
    "This was great, thank you. More of this please 😊",
    "My shift lead noticed the difference the same day. Really good.",
    "Best training I have had so far, it fits into one bus ride.",
    "I was afraid of {topic} and now I look forward to it.",
)
_EVEN = (
    "ok",
    "Fine.",
    "I mostly knew this already, but a refresher on {topic} does no harm.",
    "{Topic}: depends on who is on shift with you.",
    "Nothing to add.",
    "It was alright, a little short for {topic}.",
    "Could you show {topic} in a video instead?",
)
_UNHAPPY = (
    "Honestly, nobody in our shop has the time for {topic} at rush hour.",
    "Too much text for a phone. I gave up halfway.",
    "The question about {topic} was confusing and I still think that my answer was right.",
    "We do not even have the equipment you describe. Frustrating.",
    "I had to do this in my break, unpaid. Not happy.",
    "The link opened three times and lost my answers every time!!",
)
_IN_OTHER_LANGUAGES = {
    "pt": ("Gostei muito, simples e direto.", "Achei confuso, faltou um exemplo.", "Tudo bem."),
    "es": ("Muy útil, gracias por los ejemplos.", "Demasiado largo para el móvil.", "Normal."),
    "fr": ("Très clair, merci !", "Pas assez de pratique à mon goût.", "Correct, sans plus."),
    "ja": ("とても分かりやすかったです。", "少し難しかったです。", "普通です。"),
    "tr": ("Çok faydalı oldu, teşekkürler.", "Biraz karışıktı.", "İdare eder."),
    "ar": ("درس مفيد جدا، شكرا.", "كان طويلا قليلا.", "لا بأس."),
}
_OWN_LANGUAGE_SHARE = 0.4
_SECOND_SENTENCE_SHARE = 0.3
_SECOND_SENTENCES = (
    "I would like to talk about it with my buddy.",
    "Saturday mornings will be the real test.",
    "See you in the next lesson.",
    "Please tell the other shops too.",
)


def choice(card: Card, learner: Learner, random: Random) -> int:
    """Which of the choices the learner takes; in a quiz, their skill decides how often it is right."""
    places = range(len(card.choices))
    if card.correct is None:
        return random.choice(places)
    if random.random() < learner.skill:
        return card.correct
    return random.choice([place for place in places if place != card.correct])


def rating(learner: Learner, random: Random) -> int:
    """From 1 to RATING_STEPS."""
    middle = (1 + RATING_STEPS) / 2
    stars = random.gauss(middle + learner.mood * 1.6, 0.8)
    return max(1, min(RATING_STEPS, round(stars)))


def free_text(learner: Learner, lesson: Lesson, random: Random) -> str:
    """A sentence or two in the learner's mood, sometimes in their own language."""
    mood = learner.mood + random.gauss(0, 0.35)
    own = _IN_OTHER_LANGUAGES.get(learner.language.partition("-")[0])
    if own and random.random() < _OWN_LANGUAGE_SHARE:
        happy, unhappy, even = own
        return happy if mood > 0.25 else unhappy if mood < -0.25 else even
    sentences = _HAPPY if mood > 0.25 else _UNHAPPY if mood < -0.25 else _EVEN
    topic = lesson.topic
    text = random.choice(sentences).format(topic=topic, Topic=topic[0].upper() + topic[1:])
    if random.random() < _SECOND_SENTENCE_SHARE:
        text += " " + random.choice(_SECOND_SENTENCES)
    return text
