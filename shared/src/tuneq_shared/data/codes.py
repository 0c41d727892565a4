"""Everything that a check can find, by its code."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error is what a provider would refuse; a warning is what a person should know."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """The stable name of a kind of finding."""

    BLANK_LINE = "blank_line"
    BYTE_ORDER_MARK = "byte_order_mark"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_OBJECT = "not_object"
    UNKNOWN_KEY = "unknown_key"
    NO_MESSAGES = "no_messages"
    MESSAGE_NOT_OBJECT = "message_not_object"
    UNKNOWN_MESSAGE_KEY = "unknown_message_key"
    UNKNOWN_ROLE = "unknown_role"
    EMPTY_CONTENT = "empty_content"
    BAD_CONTENT = "bad_content"
    BAD_WEIGHT = "bad_weight"
    ALL_WEIGHTS_ZERO = "all_weights_zero"
    NO_ASSISTANT = "no_assistant"
    LAST_NOT_ASSISTANT = "last_not_assistant"
    MESSAGES_AFTER_TARGET = "messages_after_target"
    TARGET_WITHOUT_TEXT = "target_without_text"
    BAD_METADATA = "bad_metadata"
    TARGET_PAST_CHOICES = "target_past_choices"
    TOO_LONG = "too_long"
    TOO_FEW = "too_few"
    NO_EXAMPLES = "no_examples"
    BAD_TOOLS = "bad_tools"
    BAD_TOOL_CALL = "bad_tool_call"
    BAD_ARGUMENTS = "bad_arguments"
    BAD_TOOL_ANSWER = "bad_tool_answer"
    UNKNOWN_TOOL = "unknown_tool"
    NOT_A_PAIR = "not_a_pair"
    BAD_OUTPUT = "bad_output"
    SAME_OUTPUTS = "same_outputs"
    OVER_CONTEXT = "over_context"
    DUPLICATE = "duplicate"
    DUPLICATE_NORMALISED = "duplicate_normalised"
    OVERLAP_LINE = "overlap_line"
    OVERLAP_INPUTS = "overlap_inputs"
    OVERLAP_LINE_NORMALISED = "overlap_line_normalised"
    OVERLAP_INPUTS_NORMALISED = "overlap_inputs_normalised"
    NEAR_DUPLICATE = "near_duplicate"
    NEAR_OVERLAP = "near_overlap"


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """What a code means to the one who reads it."""

    hint: str
    """What to do about it."""
    severity: Severity = Severity.ERROR
    strict: bool = False
    """A warning that becomes an error where the check is strict."""

    def severity_when(self, *, strict: bool) -> Severity:
        """The severity in a strict or an ordinary check."""
        return Severity.ERROR if strict and self.strict else self.severity


def _leak(hint: str) -> CodeInfo:
    return CodeInfo(hint, severity=Severity.WARNING, strict=True)


_ROLES_HINT = "use system, developer, user, assistant, tool or function"
_LEAK_HINT = "take the line out of the training file: what was trained on cannot measure accuracy"

CODES: dict[Code, CodeInfo] = {
    Code.BLANK_LINE: CodeInfo("the line is skipped", severity=Severity.WARNING),
    Code.BYTE_ORDER_MARK: CodeInfo("save as UTF-8 without BOM", severity=Severity.WARNING),
    Code.NOT_UTF8: CodeInfo("save the file as UTF-8"),
    Code.NOT_JSON: CodeInfo("correct the JSON; each line is one complete object"),
    Code.NOT_OBJECT: CodeInfo('write one object a line: {"messages": [...]}'),
    Code.UNKNOWN_KEY: CodeInfo(
        "keep messages, tools, parallel_tool_calls and metadata; move what is yours into metadata"
    ),
    Code.NO_MESSAGES: CodeInfo('write "messages": [...] with a user and an assistant message'),
    Code.MESSAGE_NOT_OBJECT: CodeInfo('write each message as {"role": ..., "content": ...}'),
    Code.UNKNOWN_MESSAGE_KEY: CodeInfo(
        "a provider may refuse or ignore it: take it out", severity=Severity.WARNING
    ),
    Code.UNKNOWN_ROLE: CodeInfo(_ROLES_HINT),
    Code.EMPTY_CONTENT: CodeInfo("give the message a text, or leave the example out"),
    Code.BAD_CONTENT: CodeInfo("content is a text or a list of parts with a type"),
    Code.BAD_WEIGHT: CodeInfo("write the number 0 or 1"),
    Code.ALL_WEIGHTS_ZERO: CodeInfo("give at least one assistant message the weight 1"),
    Code.NO_ASSISTANT: CodeInfo("add the answer as an assistant message"),
    Code.LAST_NOT_ASSISTANT: CodeInfo("end the example with the assistant's answer"),
    Code.MESSAGES_AFTER_TARGET: CodeInfo(
        "what follows the last assistant message is not used", severity=Severity.WARNING
    ),
    Code.TARGET_WITHOUT_TEXT: CodeInfo("an evaluation compares texts: give the answer as text"),
    Code.BAD_METADATA: CodeInfo(
        'metadata is {"choices": [texts], "label": text, "subject": text}, each optional'
    ),
    Code.TARGET_PAST_CHOICES: CodeInfo("correct the answer or the choices"),
    Code.TOO_LONG: CodeInfo("shorten it: providers cut or refuse longer examples"),
    Code.TOO_FEW: CodeInfo("providers refuse fewer than 10; 50 to 100 are a good start"),
    Code.NO_EXAMPLES: CodeInfo("name a file with at least one example"),
    Code.BAD_TOOLS: CodeInfo(
        'write each tool as {"type": "function", "function": {"name": ..., "parameters": {...}}}'
    ),
    Code.BAD_TOOL_CALL: CodeInfo(
        'write each call as {"id": ..., "type": "function", '
        '"function": {"name": ..., "arguments": ...}}'
    ),
    Code.BAD_ARGUMENTS: CodeInfo("arguments are a JSON object, written as a text"),
    Code.BAD_TOOL_ANSWER: CodeInfo("tool_call_id is the id of a call in a message before it"),
    Code.UNKNOWN_TOOL: CodeInfo("add the tool, or correct its name", severity=Severity.WARNING),
    Code.NOT_A_PAIR: CodeInfo(
        'for dpo, write {"input": {"messages": [...]}, "preferred_output": [...], '
        '"non_preferred_output": [...]}'
    ),
    Code.BAD_OUTPUT: CodeInfo("an output is a list of messages, the last one the assistant's"),
    Code.SAME_OUTPUTS: CodeInfo(
        "a pair without a difference teaches nothing: leave it out", severity=Severity.WARNING
    ),
    Code.OVER_CONTEXT: CodeInfo(
        "providers cut or refuse longer examples: shorten them", severity=Severity.WARNING
    ),
    Code.DUPLICATE: _leak("keep one of them"),
    Code.DUPLICATE_NORMALISED: _leak("keep one of them"),
    Code.OVERLAP_LINE: _leak(_LEAK_HINT),
    Code.OVERLAP_INPUTS: _leak(_LEAK_HINT),
    Code.OVERLAP_LINE_NORMALISED: _leak(_LEAK_HINT),
    Code.OVERLAP_INPUTS_NORMALISED: _leak(_LEAK_HINT),
    Code.NEAR_DUPLICATE: _leak("look whether both are wanted, or keep one of them"),
    Code.NEAR_OVERLAP: _leak("look whether it is the same question: if so, train without it"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with one line, before it is known in which file."""

    code: Code
    message: str

    @property
    def is_error(self) -> bool:
        """Whether the line cannot be used."""
        return CODES[self.code].severity is Severity.ERROR
