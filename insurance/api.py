"""What other packages may use of insurance."""

from insurance.benefits.costs import (
    NO_CARD,
    AidRule,
    BadCosts,
    CostLine,
    EncounterCosts,
    Insured,
    Scope,
)
from insurance.benefits.lines import SettledLine
from insurance.benefits.rates import RouteNotHere, exemption_threshold
from insurance.benefits.rules import Settlement, settle
from insurance.cards.rules import (
    BadCardNumber,
    Card,
    CardNumber,
    Exemption,
    parse_card_number,
)
from insurance.parameters.rules import Figure, Key, NoFigure, Parameters, RouteRate, shipped
from insurance.parameters.service import FigureExists, UnknownFigure, add_figure, load_parameters

__all__ = [
    "NO_CARD",
    "AidRule",
    "BadCardNumber",
    "BadCosts",
    "Card",
    "CardNumber",
    "CostLine",
    "EncounterCosts",
    "Exemption",
    "Figure",
    "FigureExists",
    "Insured",
    "Key",
    "NoFigure",
    "Parameters",
    "RouteNotHere",
    "RouteRate",
    "Scope",
    "SettledLine",
    "Settlement",
    "UnknownFigure",
    "add_figure",
    "exemption_threshold",
    "load_parameters",
    "parse_card_number",
    "settle",
    "shipped",
]
