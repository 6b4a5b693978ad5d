"""What a refused and an unsure prediction have to hold"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    failure, findings = op.f("ck_predictions_failure"), op.f("ck_predictions_findings")
    op.drop_constraint(failure, "predictions", type_="check")
    op.drop_constraint(findings, "predictions", type_="check")
    op.create_check_constraint(failure, "predictions", "(status IN ('refused','failed')) = (failure IS NOT NULL)")
    op.create_check_constraint(findings, "predictions", "status NOT IN ('done','unsure') OR findings IS NOT NULL")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
