"""How bright each picture is in red, green and blue"""

import sqlalchemy as sa
from alembic import op

from atisbo.store.vectors import VectorType

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("embeddings", sa.Column("tone", VectorType(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
