.PHONY: help build test demo clean

help:
	@echo "make build       install what is missing, then build into build/"
	@echo "make test        the same, then run all tests"
	@echo "make demo        the same, then run the three stages on a small world (SEED=1); results in runs/demo/"
	@echo "make clean       remove build/ (what was downloaded stays in .deps/)"

build:
	@scripts/build.sh

test:
	@scripts/test.sh

demo:
	@SEED="$(or $(SEED),1)" scripts/demo.sh

clean:
	@rm -rf build
