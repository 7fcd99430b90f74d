#!/usr/bin/env bash
# Build the image of `fairtrial serve` by docker, podman or buildah: `make image`, or
#   container/build.sh [--model FILE.onnx [--repo GIT-ADDRESS]] [--gpu] [--base IMAGE] [--tag NAME] [BUILDER ARGUMENT...]
# --model: the file is put into the image; without it one is mounted as /model/model.onnx.
# --repo: `dvc get` fetches that file from a project and its remote.
set -euo pipefail
model='' repo='' tag=fairtrial-serve file=Dockerfile arguments=()
while (($#)); do
    case $1 in
        --model) model=$2; shift 2 ;;
        --repo) repo=$2; shift 2 ;;
        --gpu) tag+=-gpu file=gpu.Dockerfile; shift ;;
        --base) arguments+=(--build-arg "BASE=$2"); shift 2 ;;
        --tag) tag=$2; shift 2 ;;
        *) arguments+=("$1"); shift ;;
    esac
done
project=$(cd "$(dirname "$0")/.." && pwd)
if docker info >/dev/null 2>&1; then
    build=(docker build)
elif command -v podman >/dev/null; then
    build=(podman build --format docker)
elif command -v buildah >/dev/null; then
    build=(buildah ${BUILDAH_OPTIONS:-} bud --format docker --isolation chroot)
else
    echo >&2 "no builder of containers: neither a running docker, podman nor buildah"
    exit 1
fi

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
mkdir "$context/packages" "$context/model"
if [[ $repo ]]; then
    dvc get "$repo" "$model" --out "$context/model/model.onnx"
elif [[ $model ]]; then
    cp -- "$model" "$context/model/model.onnx"
    card=${model%.onnx}.md # its model card, where there is one
    if [[ -f $card ]]; then cp -- "$card" "$context/model/model.md"; fi
fi

# For the Python of the image, whatever the one here is.
machine=$(uname -m)
platforms=(--platform "manylinux2014_$machine")
for glibc in 17 26 27 28; do
    platforms+=(--platform "manylinux_2_${glibc}_$machine")
done
pip=(python3 -m pip --quiet --disable-pip-version-check)
"${pip[@]}" install --no-deps --no-compile --target "$context/packages" --only-binary :all: \
    --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none "${platforms[@]}" \
    --require-hashes --requirement "$project/container/serve.lock"
# setuptools writes into the folder that it builds in.
mkdir "$context/project"
cp -r "$project"/{pyproject.toml,setup.py,README.md,LICENSE,workflow,config,profiles,params.yaml,dvc.yaml} "$context/project/"
cp -r "$project"/{.gitignore,.dvcignore,.dvc} "$context/project/" 2>/dev/null || true
"${pip[@]}" install --no-deps --no-compile --no-build-isolation --target "$context/packages" "$context/project"
rm -rf "$context/project"

# What serving has no use for: tests, types, and tools for training and conversion.
cd "$context/packages"
find . -depth \( -name tests -o -name __pycache__ -o -name '*.pyi' -o -name bin \) -exec rm -rf {} +
rm -rf onnxruntime/{transformers,tools,quantization,datasets} onnxruntime/capi/libonnxruntime.so.*  # C programs use that
cd - >/dev/null

"${build[@]}" "${arguments[@]}" --tag "$tag" --file "$project/container/$file" "$context"
