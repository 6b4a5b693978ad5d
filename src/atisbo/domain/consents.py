"""What people agree to before anything of theirs is stored, and before an image is learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from atisbo.domain.texts import LocalisedText

if TYPE_CHECKING:
    from atisbo.domain.applications import Application


class Kind(StrEnum):
    USE = "use"
    """To the service as a whole; without it nothing is uploaded."""
    TRAINING = "training"
    """To learning from one image; optional."""
    SHARING = "sharing"
    """To showing one image to others as a similar picture; optional."""


@dataclass(frozen=True)
class Terms:
    """A text in both languages; ``version`` rises when what it says changes."""

    version: int
    text: LocalisedText

    def sha256(self, language: str) -> str:
        """Hexadecimal digest of the text as it is read in ``language``."""
        return sha256(self.text.in_(language).encode()).hexdigest()


def training(application: Application) -> Terms | None:
    """What the application asks before an image is learnt from; None where it collects none."""
    asked = application.consent
    return Terms(asked.version, asked.text) if asked else None


USE: Final = Terms(
    version=2,
    text=LocalisedText(
        es="""\
Este servicio es para investigación y docencia. No es un producto sanitario, y sus respuestas no son un diagnóstico: \
no las use para decidir sobre la salud de nadie.

Qué se guarda: las imágenes que suba, tal como llegan y con el nombre de su archivo; las respuestas de la red; lo \
que usted diga de ellas, con sus versiones anteriores; su dirección de correo, y desde dónde y cuándo entró.

Para qué: para darle las respuestas y que las encuentre más tarde. Una imagen solo se usa para entrenar o evaluar \
redes si da para ella un permiso aparte, que puede retirar cuando quiera.

Quién lo ve: usted, y las personas que cuidan de esta instalación. Otras personas solo ven una imagen si da para ella \
un permiso aparte, que también puede retirar cuando quiera.

Hasta cuándo: hasta que borre la imagen o su cuenta. Puede descargarlo todo en cualquier momento.

Suba solo imágenes que tenga derecho a usar, y nada que identifique a una persona: ni en la imagen, ni en el nombre \
del archivo, ni en lo que escriba.""",
        en="""\
This service is for research and education. It is not a medical device, and its answers are not a diagnosis: do not \
use them to decide about anybody's health.

What is stored: the images that you upload, as they come and with the name of their file; the network's answers; \
what you say of them, with its earlier versions; your e-mail address, and from where and when you signed in.

What for: to give you the answers and to let you find them later. An image is used to train or evaluate networks \
only if you give a separate permission for it, which you can withdraw whenever you like.

Who sees it: you, and the people who look after this installation. Other people see an image only if you give another \
permission for it, which you can withdraw just as well.

For how long: until you delete the image or your account. You can download all of it at any time.

Upload only images that you have a right to use, and nothing that identifies a person: not in the image, nor in the \
name of its file, nor in what you write.""",
    ),
)

SHARING: Final = Terms(
    version=1,
    text=LocalisedText(
        es="""\
Permito que esta imagen, sin sus metadatos, se muestre a otras personas de esta instalación cuando una imagen suya se \
le parezca, con la respuesta de la red y con lo que se haya dicho de ella: si la respuesta era correcta y qué muestra. \
No se muestran mi nombre, el del archivo ni los comentarios. La imagen no contiene nada que identifique a una persona. \
Puedo retirar el permiso cuando quiera: desde ese momento nadie más la encuentra.""",
        en="""\
I allow this image, without its metadata, to be shown to other people on this installation when an image of theirs is \
like it, with the network's answer and with what was said of it: whether the answer was right and what it shows. My \
name, the name of the file and comments are not shown. The image holds nothing that identifies a person. I can \
withdraw this whenever I like: from that moment nobody else finds it.""",
    ),
)
"""Asked for each image; the same in every application."""
