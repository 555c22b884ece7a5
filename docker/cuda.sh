#!/bin/sh
# Fetches the shared libraries for GPUs that npm does not carry, into ./lib (CUDA and cuDNN), ./provider (onnxruntime's CUDA provider), and
# says in ./requirements.txt which wheels they are of. All from PyPI, by hash, so that a plain package mirror is enough (PIP_INDEX_URL).
# Usage: cuda.sh cpu|cuda12|cuda13
set -eu
accelerator=$1
mkdir -p lib provider
case "$accelerator" in
  cpu) : >requirements.txt; exit ;;
  cuda12 | cuda13) ;;
  *) echo "ACCELERATOR=$accelerator: write cpu, cuda12 or cuda13" >&2; exit 1 ;;
esac
cp "$accelerator.txt" requirements.txt
apt-get update -qq
apt-get install -qq -y --no-install-recommends python3-pip >/dev/null
# The wheels are data here: the interpreter that they are made for is not the one that unpacks them.
python3 -m pip download --no-cache-dir --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
  --python-version 3.12 --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux2014_x86_64 \
  --platform manylinux_2_17_x86_64 --platform manylinux2010_x86_64 --platform manylinux_2_12_x86_64 --platform manylinux1_x86_64 \
  --platform manylinux_2_5_x86_64 --dest wheels -r requirements.txt
for wheel in wheels/*.whl; do
  python3 -m zipfile -e "$wheel" unpacked
  rm "$wheel"
done
for provider in cuda shared; do
  library=unpacked/onnxruntime/capi/libonnxruntime_providers_$provider.so
  if [ -e "$library" ]; then mv "$library" provider/; fi
done
# Without what nothing here loads: second copies under the name .alt, and wrappers for other interfaces.
find unpacked/nvidia -path '*/lib/*' -name '*.so*' ! -name '*.alt.*' ! -name 'libnvblas*' ! -name 'libcufftw*' -exec mv {} lib/ \;
rm -r unpacked wheels
# zipfile keeps no modes; a library needs none but to be read.
chmod -R a+rX,go-w lib provider
