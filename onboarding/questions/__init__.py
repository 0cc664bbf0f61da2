"""The questions: a questionnaire is a value, read from a file and handed to everything else."""

from onboarding.questions.loader import DEFAULT_FILE, QuestionnaireError, load_questionnaire
from onboarding.questions.questionnaire import Answers, Option, Question, Questionnaire, Text

__all__ = [
    "DEFAULT_FILE",
    "Answers",
    "Option",
    "Question",
    "Questionnaire",
    "QuestionnaireError",
    "Text",
    "load_questionnaire",
]
