"""Settings of insurance: rules that the texts at hand leave open, with the safe choice as default."""

from enum import StrEnum

from msgspec import Struct


class DateRule(StrEnum):
    """Which day of the encounter picks a dated figure."""

    ADMISSION = "admission"
    DISCHARGE = "discharge"


class CentralInpatientRule(StrEnum):
    """Rate of a self-referred inpatient at the former central level (MA_DOITUONG_KCB 3.1)."""

    PRODUCT = "product"  # 80 × 40 % = 32, as QĐ 697/QĐ-BYT is read.
    ROUTE = "route"  # 40, as one insurer's file showed.


class ZeroRateRule(StrEnum):
    """Where cost within the fund's scope goes when the rate is 0."""

    OUTSIDE = "outside"  # T_BNTT: the patient pays it as their own cost.
    COPAY = "copay"  # T_BNCCT


class InsuranceSettings(Struct, frozen=True):
    """Open points of the benefit rules; ask the social insurance agency before changing one."""

    salary_date_rule: DateRule = DateRule.ADMISSION
    route_date_rule: DateRule = DateRule.ADMISSION
    small_cost_combines_with_route: bool = True  # False: the 15 % rule stays off on a reduced route.
    central_inpatient_rule: CentralInpatientRule = CentralInpatientRule.PRODUCT
    zero_rate_rule: ZeroRateRule = ZeroRateRule.OUTSIDE
    intra_encounter_switch: bool = (
        False  # True: exempt from the line after the one that passes the threshold.
    )
