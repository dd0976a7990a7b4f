# SPDX-License-Identifier: LGPL-2.1-or-later
# A thin front for Meson: each target installs what is missing, builds, and does its job.
BUILD ?= build
SANITIZE ?= none

.PHONY: run test build asan bench install clean

run: build
	@lab/demo --build $(BUILD)

test: build
	@tools/test --build $(BUILD)

build: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@tools/setup
	@meson setup $(BUILD) -Db_sanitize=$(SANITIZE) >$(BUILD).log 2>&1 || { cat $(BUILD).log >&2; exit 1; }
	@mv $(BUILD).log $(BUILD)/setup.log

# The same tree with AddressSanitizer and UndefinedBehaviorSanitizer, in a build folder of its own.
asan:
	@$(MAKE) --no-print-directory BUILD=build-asan SANITIZE=address,undefined build

bench: build
	@bench/run --build $(BUILD)

install: build
	@meson install -C $(BUILD)

clean:
	rm -rf build build-asan
