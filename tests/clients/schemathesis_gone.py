"""What a run has deleted or renamed. Loaded by the files of hooks."""

import re

import schemathesis
from schemathesis.openapi.checks import EnsureResourceAvailability

LAST_PARAMETER = re.compile(r"\{(\w+)\}[^{]*$")
# Names and ids that were given up by a deletion or a renaming.
GONE = set()


@schemathesis.hook
def after_call(context, case, response):
    """Notes which names lead nowhere from now on."""
    if response.status_code in (200, 204) and (case.method == "DELETE" or case.path.endswith("/rename")):
        GONE.add(case.path_parameters[LAST_PARAMETER.search(case.path).group(1)])


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """The check that what was created can be found knows nothing of renamings, nor that the two forms of a path lead to
    the same thing, nor what goes along with what was deleted."""
    is_gone = any(value in GONE for value in case.path_parameters.values())
    return not (isinstance(failure, EnsureResourceAvailability) and is_gone)
