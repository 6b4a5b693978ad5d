"""Data that people take with them: what stands beside it, and tables that a spreadsheet only shows."""

from __future__ import annotations

from typing import Final

from atisbo.domain.cards import Card
from atisbo.domain.findings import ClassificationFindings, SegmentationFindings
from atisbo.domain.texts import LocalisedText

README: Final = LocalisedText(
    es="""\
Todo lo que Atisbo guarda de usted
==================================

account.json    su cuenta, las sesiones abiertas, los códigos de acceso (sin sus secretos) y las invitaciones que hizo
consents.json   los textos que aceptó: versión, idioma, huella SHA-256 del texto, cuándo, y cuándo lo retiró
reviews.json    lo que dijo de las respuestas, con todas sus versiones
datasets.json   los conjuntos de datos que usan o usaron imágenes suyas, y los que hizo usted
webhooks.json   a quién pidió que se le contara una respuesta, y qué se intentó
log.json        lo que quedó anotado que usted hizo, y desde qué dirección de la red; si borra su cuenta, las
                direcciones se borran y el resto queda con un número que ya no es de nadie
images/         una carpeta por imagen:
    image.json      cuándo la subió, su tamaño, si permite aprender de ella y que otros la
                    encuentren, las respuestas que recibió, y los números con que se compara
    original.*      el archivo, tal como lo subió
    <respuesta>/    lo que se hizo con esa respuesta: máscara, contorno, vista previa…

Las horas son UTC. Las coordenadas son píxeles de la imagen original, hacia la derecha y hacia abajo desde su esquina
superior izquierda.
Solo para investigación y docencia. No es un producto sanitario.
""",
    en="""\
All that Atisbo keeps of you
============================

account.json    your account, open sessions, tokens (without their secrets) and the invitations that you made
consents.json   the texts that you agreed to: version, language, SHA-256 of the text, when, and when it was withdrawn
reviews.json    what you said of answers, with all its versions
datasets.json   the datasets that use or used images of yours, and those that you made
webhooks.json   whom you asked us to tell of an answer, and what was tried
log.json        what was written down that you did, and from which network address; when you delete your account,
                the addresses go and the rest stays with a number that is nobody's any more
images/         one folder for each image:
    image.json      when you uploaded it, its size, whether it may be learnt from and shown to other people,
                    the answers that it got, and the numbers by which it is compared
    original.*      the file as you uploaded it
    <answer>/       what was made with that answer: mask, outline, preview…

Times are UTC. Coordinates are pixels of the original image, to the right and down from its top left corner.
Research and education only. Not a medical device.
""",
)

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
Cell = str | float | int | None


def plain(text: str) -> str:
    """Text for a spreadsheet: an apostrophe goes before what it would take for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def columns(card: Card) -> list[str]:
    """The table's head for answers of this network."""
    shared = ["file", "state", "answer", "certainty", "problem", "version"]
    own = (
        [f"p_{label}" for label in card.output.labels]
        if card.task == "classification"
        else ["area_percent", "regions", "empty"]
    )
    return [*shared, *own]


def answered(findings: ClassificationFindings | SegmentationFindings) -> dict[str, Cell]:
    """What an answer puts into its row; ``certainty`` is 0 to 1."""
    said: dict[str, Cell] = {"state": "unsure" if findings.unsure else "done"}
    if isinstance(findings, ClassificationFindings):
        shares = {f"p_{label}": value for label, value in findings.probabilities.items()}
        return said | {"answer": findings.label, "certainty": findings.probabilities[findings.label]} | shares
    doubt = findings.uncertainty
    return said | {
        "answer": "" if findings.empty else findings.label,
        "certainty": findings.probability if doubt is None else round(1 - doubt, 6),
        "area_percent": findings.area_percent,
        "regions": len(findings.regions),
        "empty": int(findings.empty),
    }
