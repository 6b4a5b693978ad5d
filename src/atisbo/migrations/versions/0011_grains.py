"""What knows the same picture again; and rows that hold the vector alone, so that looking at all of them is quick"""

import sqlalchemy as sa
from alembic import op

from atisbo.store.vectors import VectorType

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("embeddings", sa.Column("grain", VectorType(), nullable=True))
    op.execute("ALTER TABLE embeddings SET (toast_tuple_target = 768)")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
