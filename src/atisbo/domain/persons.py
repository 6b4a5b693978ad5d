"""Common given names and surnames of Spanish and English speakers, and words that only look like them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final


def plain(word: str) -> str:
    """Lower case without accents."""
    return unicodedata.normalize("NFKD", word.lower()).encode("ascii", "ignore").decode()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GIVEN: Final = _words(
    """
    aaron abel adela adrian agustin aitor alba alberto alejandra alejandro alfonso alfredo alicia alvaro amelia
    ana andrea andres angel angela angeles anton antonia antonio araceli arturo asuncion aurora beatriz belen
    begona benito bernardo blanca borja bruno carla carlos carlota carmen carolina catalina cecilia celia cesar
    clara claudia concepcion consuelo cristian cristina cristobal daniel daniela david diana diego dolores domingo
    eduardo elena elisa eloy elvira emilia emilio emma encarnacion enrique ernesto esperanza esteban esther
    eugenia eugenio eva fatima felipe felix fernando fernanda fermin francisca francisco gabriel gabriela gema
    gerardo gloria gonzalo gregorio guillermo gustavo hector hugo ignacio ines inmaculada irene isabel isidro ivan
    jacinto jaime javier jesus joaquin jorge jose josefa josefina juan juana julia julian julio laura leonor
    leticia lorena lorenzo lourdes lucas lucia luis luisa lola magdalena manuel manuela marcela marcelo marcos
    margarita maria mariana mariano marina mario marta martin martina mateo matias mauricio mercedes miguel
    milagros miriam monica montserrat natalia nicolas nieves noelia nuria olga oscar pablo paloma patricia paula
    paulina pedro pilar rafael raimundo ramon raquel raul rebeca ricardo roberto rocio rodrigo rosa rosario ruben
    salvador samuel sandra santiago sara saul sebastian sergio silvia sofia soledad sonia susana teresa tomas
    valentin valeria vanesa veronica vicente victor virginia ximena yolanda alan albert alice amanda amy andrew
    ann anna anne anthony arthur barbara benjamin betty brian caroline catherine charles charlotte christine
    christopher daisy deborah dennis donald donna dorothy douglas edward eleanor elizabeth emily eric ethan evelyn
    frances frank gary george grace hannah harold harry helen henry jack jacob james jane janet jason jennifer
    jessica joan john jonathan joseph joshua joyce judith julie karen kate kathleen keith kenneth kevin larry
    linda lisa louise lucy margaret marie marilyn mark martha mary matthew megan melissa michael michelle nancy
    nicholas nicole oliver olivia pamela patrick paul peter philip rachel raymond rebecca richard robert roger
    ronald rose ruth ryan samantha sarah scott sharon sheila sophie stephanie stephen steven susan sylvia theresa
    thomas timothy walter wendy william
    """
)
SURNAMES: Final = _words(
    """
    aguilar alonso alvarez arias blanco calvo cano castillo castro cortes cruz delgado diaz diez dominguez duran
    fernandez flores fuentes gallego garcia garrido gil gimenez gomez gonzalez guerrero gutierrez hernandez
    herrera herrero hidalgo ibanez iglesias jimenez leon lopez lorenzo lozano marin marquez martin martinez medina
    mendez molina montero mora morales moreno moya munoz navarro nieto nunez ortega ortiz pascual pastor pena
    perez prieto ramirez ramos reyes rivera rodriguez rojas romero rubio ruiz saez sanchez santana santos sanz
    serrano soler soto suarez torres vargas vazquez vega velasco vicente vidal adams allen anderson baker brown
    campbell carter clark collins cooper davies davis edwards evans green hall harris hill hughes jackson johnson
    jones kelly lewis miller mitchell moore morgan morris murphy parker phillips roberts robinson scott smith
    stewart taylor thompson turner walker watson williams wilson wright young
    """
)
ORDINARY: Final = _words(
    """
    varon mujer hombre mayor joven derecho izquierdo diabetico diabetica miope hipertenso glaucoma male female man
    woman right left eye old young adult child age aged od os no not with without sin con en in the unknown
    desconocido normal healthy sano sana african caucasian asian hispanic white black has had was is presenta
    refiere acude
    """
)
"""Words that follow “patient” or “paciente” and are no name, with and without capitals."""
_PLACES: Final = _words(
    """
    san santa santo hospital clinica clinic universidad university instituto institute centro center centre calle
    street fundacion foundation sir camara camera
    """
)
_EPONYMS: Final = _words(
    """
    marcus-gunn stevens-johnson sturge-weber van-herick henry-schein carl-zeiss von-hippel schlemm elschnig
    """
)


def named(words: str, *, before: str) -> bool:
    """Whether capitalised words hold a given name with another name beside it, or two known surnames.

    Args:
        words: two or more capitalised words, perhaps joined by “de”, “la”, “y” or a comma.
        before: the text that leads up to them; a hospital or a saint is no patient.
    """
    parts = [plain(word) for word in re.findall(r"[^\W\d_]+", words)]
    previous = [plain(word) for word in re.findall(r"[^\W\d_]+", before)[-1:]]
    if _PLACES & {*parts, *previous} or "-".join(parts[:2]) in _EPONYMS:
        return False
    proper = [word for word in parts if word not in {"de", "del", "la", "los", "y"}]
    given = sum(word in GIVEN for word in proper)
    surnames = sum(word in SURNAMES for word in proper)
    return (given >= 1 and surnames >= 1) or surnames >= 2 or given >= 2 or _surname_first(words, proper)


def _surname_first(words: str, proper: list[str]) -> bool:
    """“Etxeberria, Ana”: a comma, then a given name."""
    return "," in words and proper[-1] in GIVEN
