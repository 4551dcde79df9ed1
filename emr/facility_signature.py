"""Papers that the facility itself signs: the place on the paper, and its slot in the document."""

from kernel.paper.blocks import Signatures, Slot
from signing.api import NewSlot

_FIELD = "co_so"
PLACE = Signatures(slots=(Slot(field=_FIELD, role="CƠ SỞ KHÁM BỆNH, CHỮA BỆNH", hint="(Ký số của cơ sở)"),))
SLOT = NewSlot(field=_FIELD, label="Cơ sở khám bệnh, chữa bệnh", organisation=True)
