//! Checks that the tokenizers bring no C or C++ library.

/// Returns the lines about a package in the lock file of the workspace.
fn locked(lock: &str, name: &str) -> Option<String> {
    let mut packages = lock.split("[[package]]");
    packages.find(|it| it.contains(&format!("\nname = \"{name}\"\n"))).map(str::to_owned)
}

#[test]
fn no_package_below_the_tokenizers_is_made_of_c() {
    let lock = include_str!("../../../Cargo.lock").replace("\r\n", "\n");
    // The C library for regular expressions.
    assert_eq!(locked(&lock, "onig_sys"), None);
    // A suffix array, in C++ only if its feature `cpp` is on, which compiles it with `cc`.
    let suffix_array = locked(&lock, "esaxx-rs").expect("tokenizers need it");
    assert!(!suffix_array.contains("\"cc\""), "{suffix_array}");
    let tokenizers = locked(&lock, "tokenizers").expect("a dependency");
    for native in ["-sys\"", "_sys\"", "\"cc\"", "\"cmake\"", "\"hf-hub\""] {
        assert!(!tokenizers.contains(native), "{native}: {tokenizers}");
    }
}
