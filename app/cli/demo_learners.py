"""The made-up people and cohorts of `demo`. Nobody here exists.

Addresses are at example.org and example.com; telephone numbers come from the ranges that are kept
for fiction: 555-0100 to 555-0199 in North America, 07700 900000 to 900999 in the United Kingdom.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

PHONE_HOME_PAGE = "https://app.7taps.com"

_PHONE_ONLY_SHARE = 0.12
_MIXED_CASE_SHARE = 0.15
_NEVER_STARTS_SHARE = 0.09
_LAGGARD_SHARE = 0.18
_NORTH_AMERICAN_AREAS = ("212", "312", "415", "416", "604", "617", "718", "808")
_LETTERS_WITHOUT_PARTS = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "ı": "i"})


@dataclass(frozen=True, slots=True)
class Region:
    """Where a cohort works: the zone it is run in, its learners' zones, languages and names."""

    slug: str
    name: str
    time_zone: str
    zones: tuple[str, ...]
    languages: tuple[str, ...]
    given: tuple[str, ...]
    family: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learner:
    """One person, and how they learn.

    email or phone: never both None. other_case: the address as some of their deliveries write it.
    stays: the chance to go on to the next lesson; delay_days: how long after a lesson opens they
    usually turn to it; skill: the chance to answer a quiz rightly; mood: from -1 to 1.
    """

    name: str
    email: str | None
    other_case: str | None
    phone: str | None
    time_zone: str
    language: str
    stays: float
    delay_days: float
    skill: float
    mood: float

    def roster_row(self) -> dict[str, Any]:
        """The learner as the cohort's door takes it."""
        account = {"home_page": PHONE_HOME_PAGE, "name": self.phone}
        return {
            "name": self.name,
            "email": self.email,
            "phone": self.phone,
            "accounts": [account] if self.phone else [],
            "time_zone": self.time_zone,
            "language": self.language,
        }


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# A name in another script carries its Latin spelling behind a slash, for the address.
REGIONS = (
    Region(
        "demo-atlantic",
        "Atlantic openings",
        "Europe/Lisbon",
        ("Europe/Lisbon", "Europe/Madrid", "Europe/Dublin", "Atlantic/Azores", "Europe/Warsaw"),
        ("pt-PT", "es-ES", "en-IE", "pl-PL"),
        _names(
            "Inês João Beatriz Tiago Lucía Álvaro Carmen Íñigo Aoife Cillian Niamh Łukasz Zofia"
            " Małgorzata Rui Leonor Søren Zoë Matilde Duarte"
        ),
        _names(
            "Ferreira Gonçalves Magalhães Núñez Ibáñez Muñoz O'Connor Byrne Kowalczyk Wójcik"
            " Jørgensen Teixeira Araújo Serrano Gallagher Zieliński"
        ),
    ),
    Region(
        "demo-lakeside",
        "Lakeside and city",
        "America/Toronto",
        ("America/Toronto", "America/Chicago", "America/Vancouver", "America/Halifax"),
        ("en-CA", "fr-CA", "en-US", "es-US"),
        _names(
            "Maya Ethan Chloé Olivier Priya Jamal Hannah Mateo Noor Gabriel Amélie Tyrone Ximena"
            " Wei Isabelle Darius Leila Kwame Siobhan Étienne"
        ),
        _names(
            "Tremblay Okafor Nguyen Bouchard MacLeod Hernández Singh Côté Whitfield Petrov Lévesque"
            " Ramírez Chen Abernathy Haddad Johnson"
        ),
    ),
    Region(
        "demo-monsoon",
        "Monsoon coast",
        "Asia/Singapore",
        ("Asia/Singapore", "Asia/Jakarta", "Asia/Kolkata", "Asia/Tokyo", "Asia/Manila"),
        ("en-SG", "id-ID", "hi-IN", "ja-JP"),
        _names(
            "さくら/Sakura 健太/Kenta अनन्या/Ananya आरव/Aarav Dewi Budi Siti Agus Mei Jun Kavya"
            " Rohan Althea Paolo Putri Hiro Lakshmi Farid Yuki Arjun"
        ),
        _names(
            "佐藤/Sato 山本/Yamamoto शर्मा/Sharma Wijaya Santoso Tan Lim Krishnan Reyes Dela-Cruz"
            " Hartono Iyer Mukherjee Nakamura Rahman Wong"
        ),
    ),
    Region(
        "demo-southern",
        "Southern mornings",
        "Australia/Sydney",
        ("Australia/Sydney", "Australia/Adelaide", "Pacific/Auckland", "Australia/Perth"),
        ("en-AU", "en-NZ"),
        _names(
            "Aroha Lachlan Matilda Tane Ngaire Cooper Ruby Wiremu Hamish Tala Angus Mereana Yusuf"
            " Thi Georgia Declan Sione Alira Freya Marlon"
        ),
        _names(
            "Tūhoe Henare McKenzie Papadopoulos Nguyễn Campbell Ngata Williams Fraser Tuilagi"
            " O'Brien Mancini Kelly Stavros Parata Doyle"
        ),
    ),
    Region(
        "demo-rift",
        "Rift Valley flagship",
        "Africa/Nairobi",
        ("Africa/Nairobi", "Africa/Kampala", "Africa/Addis_Ababa", "Africa/Cairo"),
        ("en-KE", "sw-KE", "am-ET", "ar-EG"),
        _names(
            "Wanjiru Otieno Achieng Kamau ሰላም/Selam አበበ/Abebe Nakato Mukasa أمينة/Amina"
            " يوسف/Youssef Chidi Ngozi Njeri Kiprop Zawadi Baraka"
        ),
        _names(
            "Mwangi Odhiambo Kiplagat Bekele ተስፋዬ/Tesfaye Ssempijja حسن/Hassan"
            " منصور/Mansour Adeyemi Eze Wambui Cheruiyot Kato Girma"
        ),
    ),
    Region(
        "demo-tropic",
        "Tropic of coffee",
        "America/Sao_Paulo",
        ("America/Sao_Paulo", "America/Bogota", "America/Lima", "America/Argentina/Buenos_Aires"),
        ("pt-BR", "es-CO", "es-AR"),
        _names(
            "Thaís Caio Luíza Júlio Valentina Santiago Camila Andrés Iracema Otávio Ximena Joaquín"
            " Marisol Bruno Rosângela Facundo"
        ),
        _names(
            "Conceição Guimarães Quispe Restrepo Peña Bianchi Falcão Mamani Giménez Araújo Castaño"
            " Vasconcelos Huamán Ledesma"
        ),
    ),
    Region(
        "demo-bosporus",
        "Bosporus and Balkans",
        "Europe/Istanbul",
        ("Europe/Istanbul", "Europe/Athens", "Europe/Belgrade", "Europe/Kyiv", "Asia/Tbilisi"),
        ("tr-TR", "el-GR", "sr-RS", "uk-UA"),
        _names(
            "Ayşe Çağlar Işıl Emre Ελένη/Eleni Γιώργος/Giorgos Милица/Milica Вук/Vuk Оксана/Oksana"
            " Тарас/Taras ნინო/Nino Deniz Selin Nikos"
        ),
        _names(
            "Yılmaz Öztürk Şahin Παππάς/Pappas Νικολάου/Nikolaou Петровић/Petrovic Јовић/Jovic"
            " Шевченко/Shevchenko Коваль/Koval ბერიძე/Beridze Kaya Arslan"
        ),
    ),
    Region(
        "demo-islands",
        "Far islands",
        "Pacific/Honolulu",
        ("Pacific/Honolulu", "Pacific/Guam", "Pacific/Fiji", "Pacific/Apia", "Pacific/Chatham"),
        ("en-US", "haw-US", "en-FJ", "sm-WS"),
        _names(
            "Kaʻiulani Keanu Leilani Makoa Nalani Sefina Tavita Litia Ratu Mele Hina Ioane Kalea" " Noa Vaiana Tevita"
        ),
        _names(
            "Kahananui Kealoha Nakamura Leavai Tuimalealiʻifano Waqa Naulivou Cruz Taitano Akana"
            " Faleolo Seru Palakiko Apo"
        ),
    ),
)
"""One cohort each, in the order in which `demo --cohorts` takes them."""


def learners(region: Region, count: int, random: Random, taken: "Identities") -> list[Learner]:
    """`count` people of the region; `taken` keeps their addresses apart from everybody else's."""
    return [_learner(region, random, taken) for _ in range(count)]


class Identities:
    """Hands out addresses and telephone numbers, none of them twice."""

    def __init__(self, random: Random):
        self._addresses: set[str] = set()
        numbers = [f"+1{area}55501{n:02}" for area in _NORTH_AMERICAN_AREAS for n in range(100)]
        numbers += [f"+447700900{n:03}" for n in range(1000)]
        random.shuffle(numbers)
        self._numbers: Iterator[str] = iter(numbers)

    def address(self, given: str, family: str, random: Random) -> str:
        """An address in lower case for these names, which are in Latin letters."""
        local, domain = f"{given}.{family}", random.choice(("example.org", "example.com"))
        address, number = f"{local}@{domain}", 1
        while address in self._addresses:
            number += 1
            address = f"{local}{number}@{domain}"
        self._addresses.add(address)
        return address

    def number(self) -> str | None:
        """A fictional telephone number, or None once all of them are taken."""
        return next(self._numbers, None)


def _learner(region: Region, random: Random, taken: Identities) -> Learner:
    given, family = random.choice(region.given), random.choice(region.family)
    phone = taken.number() if random.random() < _PHONE_ONLY_SHARE else None
    email = None if phone else taken.address(_latin(given), _latin(family), random)
    never, laggard = random.random() < _NEVER_STARTS_SHARE, random.random() < _LAGGARD_SHARE
    return Learner(
        name=f"{given.partition('/')[0]} {family.partition('/')[0]}",
        email=email,
        other_case=_mixed_case(email) if email and random.random() < _MIXED_CASE_SHARE else None,
        phone=phone,
        time_zone=random.choice(region.zones),
        language=random.choice(region.languages),
        stays=0.0 if never else random.triangular(0.62, 1.0, 0.93),
        delay_days=random.uniform(3, 8) if laggard else random.uniform(0, 1.6),
        skill=random.triangular(0.4, 0.98, 0.8),
        mood=random.triangular(-1, 1, 0.35),
    )


def _latin(name: str) -> str:
    """The part of an address for a name: ASCII, in lower case."""
    latin = (name.partition("/")[2] or name).translate(_LETTERS_WITHOUT_PARTS)
    decomposed = unicodedata.normalize("NFKD", latin)
    return "".join(one for one in decomposed if one.isascii() and one.isalpha()).lower()


def _mixed_case(email: str) -> str:
    local, _, domain = email.partition("@")
    return f"{local.title()}@{domain.capitalize()}"
