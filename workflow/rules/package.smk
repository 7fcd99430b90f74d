# Purpose: the package whose code the jobs run, and the files that a new project lacks.
# Uses nothing of the package before it is known to fit.
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

from snakemake.exceptions import WorkflowError

# The package lies beside the rules (a checkout), above them (a wheel has them in
# fairtrial/project/workflow/rules), or, where `module:` fetches the rules one by one, in the
# environment that runs Snakemake. Jobs take the copy that their driver made.
is_imported = not workflow.modifier.is_main_snakefile()
rules_folder = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
places = [rules_folder.parent / "fairtrial", rules_folder.parents[2]]
if found := find_spec("fairtrial"):
    places.append(Path(found.origin).parent)
if not workflow.is_main_process:
    places.insert(0, Path(os.environ["FAIRTRIAL_SNAPSHOT"], "workflow/fairtrial"))
package = next((p for p in places if (p / "files/snapshot.py").is_file()), None)
if package is None:
    raise WorkflowError(
        f"{workflow.current_basedir}: these are rules of fairtrial, and {sys.prefix}, the environment "
        "that runs Snakemake, lacks the package; install the version of the rules there with pip"
    )
if is_imported:
    shipped = package / "project/workflow"
    shipped = shipped if shipped.is_dir() else package.parent
    fetched = workflow.current_basedir.join("..")
    for path in [shipped / "Snakefile", *sorted(shipped.glob("rules/*.smk"))]:
        file = fetched.join(path.relative_to(shipped).as_posix())
        known = workflow.sourcecache.exists(file)
        text = workflow.sourcecache.open(file).read() if known else ""
        if (
            text.rstrip() != path.read_text().rstrip()
        ):  # Snakemake drops the last newline
            version = run_path(str(package / "__init__.py"))["__version__"]
            raise WorkflowError(
                f"{fetched}: these rules are not those of fairtrial {version}, the package in the "
                f"environment that runs Snakemake ({path.name} differs): import the rules of that "
                "version, or install the one of the rules"
            )

if workflow.is_main_process:
    started_in = (Path(workflow.rundir), Path(workflow.basedir))
    profile_acts = any((folder / "profiles/default").is_dir() for folder in started_in)
    first_files = run_path(str(package / "files/first_files.py"))
    if written := first_files["write_missing"](Path.cwd(), package, profile_acts):
        print(f"Written, since missing: {', '.join(written)}", file=sys.stderr)
    if "profiles" in written:
        raise WorkflowError(
            "profiles/default says how Snakemake has to work here, and is read from now on; type the "
            "same again"
        )
