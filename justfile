# `just` lists the commands. CI runs `.ci/run`, nothing more and nothing less.

features := "--features ndarray,wgpu,remote-server"

published := "-p saliency -p saliency-core -p saliency-photo -p saliency-viz -p saliency-metrics -p saliency-flex -p saliency-backends -p saliency-audit"

_list:
    @just --list --unsorted

# run everything that CI runs
ci:
    bash .ci/run

# run all tests, on every device of the machine
test:
    cargo test {{features}}

# check format, lints and reference, as CI does
lint:
    cargo fmt --all --check
    cargo clippy {{features}} --workspace --all-targets -- --deny warnings
    RUSTDOCFLAGS="--deny warnings" cargo doc {{features}} --workspace --no-deps

# build the book into target/book (needs mdbook 0.5)
book:
    mdbook build

# check pages for what keeps people out, with axe-core (needs npm and Chromium): just axe maps/photo-page.html
axe *pages:
    npm install --silent --no-save --prefix target/axe axe-core@4.14.1
    SALIENCY_AXE=target/axe/node_modules/axe-core/axe.min.js SALIENCY_AXE_PAGES="$(echo {{pages}} | tr ' ' ':')" \
        cargo test {{features}} --workspace --test page axe

# make every picture of the book again
pictures:
    bash examples/pictures.sh

# run the bench of every method once, without measuring
smoke:
    cargo bench --profile dev {{features}} --bench methods -- --test

# check licences and advisories of all dependencies (needs cargo-deny)
deny:
    cargo deny check

# package the published crates as they would be uploaded, and build each from its package
package:
    cargo package {{published}}

# check whether the public interface broke since a version (needs cargo-semver-checks)
semver since:
    cargo semver-checks {{published}} --baseline-rev {{since}}
