.PHONY: help build test oracle demo clean

help:
	@echo "make build       install what is missing, then build into build/"
	@echo "make test        the same, then run all tests"
	@echo "make oracle      the same, then a million texts against the Python libraries (RLHF_TEST_PYTHON has them)"
	@echo "make demo        the same, then run the three stages on a small world (SEED=1); results in runs/demo/"
	@echo "make clean       remove build/ (what was downloaded stays in .deps/)"

build:
	@scripts/build.sh

test:
	@scripts/test.sh

oracle:
	@scripts/oracle.sh

demo:
	@SEED="$(or $(SEED),1)" scripts/demo.sh

clean:
	@rm -rf build
