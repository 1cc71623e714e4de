.PHONY: help build test oracle demo cuda clean

help:
	@echo "make build       install what is missing, then build the tools into build/"
	@echo "make test        build everything, then run all tests"
	@echo "make oracle      a million texts against the Python libraries (RLHF_TEST_PYTHON has them)"
	@echo "make demo        build the tools, then run the three stages on a small world (SEED=1); results in runs/demo/"
	@echo "make cuda        build everything for CUDA into build/cuda/, with a LibTorch of its own (4 GB); needs no GPU"
	@echo "make clean       remove build/ (what was downloaded stays in .deps/)"

build:
	@scripts/build.sh rlhf_tools

test:
	@scripts/test.sh

oracle:
	@scripts/oracle.sh

demo:
	@SEED="$(or $(SEED),1)" scripts/demo.sh

cuda:
	@RLHF_PRESET=cuda scripts/build.sh

clean:
	@rm -rf build
