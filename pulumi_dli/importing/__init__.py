"""Bringing what exists already into a stack: find it, write the file for `pulumi import --file`, print the program.

`pulumi import TYPE NAME ID` cannot work for dynamic resources (the engine gives the provider nothing to find itself
by), but a file with inputs and outputs can. `__main__.py` calls this; it reads, and changes nothing.
"""

from pulumi_dli.importing.files import import_file, write_private
from pulumi_dli.importing.finding import Found, ImportSelection, find
from pulumi_dli.importing.programs import config_keys, program

__all__ = ["Found", "ImportSelection", "config_keys", "find", "import_file", "program", "write_private"]
