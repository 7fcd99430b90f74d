#!/bin/sh
# Write the command `fairtrial` into an environment: sh workflow/envs/command.sh .venv
# It is a file and no package, so that no installation from a lock removes it. The first three
# lines start the environment's Python; a path in `#!` must be short and have no space.
set -eu
bin=$(cd "$1/bin" && pwd -P)
trap 'rm -f "$bin/fairtrial.new"' EXIT
{
    cat <<END
#!/bin/sh
'''exec' "$bin/python" "\$0" "\$@"
' '''
END
    cat workflow/fairtrial_command.py
} >"$bin/fairtrial.new"
chmod 755 "$bin/fairtrial.new"
mv "$bin/fairtrial.new" "$bin/fairtrial"
