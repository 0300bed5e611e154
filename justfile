# `just` lists what there is. What CI runs is `.ci/run`, nothing more and nothing less.

features := "--features ndarray,wgpu,remote-server"

_list:
    @just --list --unsorted

# everything that CI runs
ci:
    bash .ci/run

# all tests, on every device that there is
test:
    cargo test {{features}}

# format, lints and reference, as CI asks for them
lint:
    cargo fmt --all --check
    cargo clippy {{features}} --workspace --all-targets -- --deny warnings
    RUSTDOCFLAGS="--deny warnings" cargo doc {{features}} --workspace --no-deps

# the book, into target/book (needs mdbook 0.5)
book:
    mdbook build

# every picture of the book, made again
pictures:
    bash examples/pictures.sh

# the bench of every method once, without measuring
smoke:
    cargo bench --profile dev {{features}} --bench methods -- --test

# licences and advisories of all dependencies (needs cargo-deny)
deny:
    cargo deny check

# whether the public interface broke since a version (needs cargo-semver-checks)
semver since:
    cargo semver-checks --workspace --exclude saliency-benches --exclude saliency-cli --exclude saliency-examples \
        --exclude saliency-examples-training --exclude saliency-example-audit --baseline-rev {{since}}
