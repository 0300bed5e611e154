//! The program `share` as its users meet it.

mod common;

use std::process::Stdio;

use common::{example, text};
use saliency::photo::read_photo;

#[test]
fn two_servers_explain_64_pictures_together() {
    let folder = tempfile::tempdir().unwrap();
    let output = example("share", &[]).current_dir(&folder).output().unwrap();
    let said = text(&output.stdout);
    print!("{said}");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.contains("64 pictures in "), "{said}");
    let by_each =
        |line: &&str| line.starts_with("  ") && line.contains(" by remote:ws://127.0.0.1:");
    let rows = said.lines().filter(by_each).map(|line| {
        line.split_whitespace().next().and_then(|rows| rows.parse::<usize>().ok()).unwrap()
    });
    let rows: Vec<usize> = rows.collect();
    assert!(rows.len() == 2 && rows.iter().sum::<usize>() == 64, "{rows:?}");
    let sheet = read_photo(folder.path().join("maps/share.png")).unwrap();
    assert_eq!(sheet.dimensions(), (896, 896));
}

#[test]
fn a_server_without_a_token_and_a_client_with_a_wrong_one_are_refused() {
    let output = example("share", &["serve"]).env_remove("SALIENCY_TOKEN").output().unwrap();
    let error = text(&output.stderr);
    assert!(error.contains("expected a token for clients to know"), "{error}");

    let mut server = example("share", &["serve", "--listen", "127.0.0.1:0"])
        .env("SALIENCY_TOKEN", "right")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let out = server.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut said).unwrap();
    let name = said.split(' ').next().unwrap();
    let client =
        example("share", &["explain", "--device", name]).env("SALIENCY_TOKEN", "wrong").output();
    server.kill().and_then(|()| server.wait()).unwrap();
    let error = text(&client.unwrap().stderr);
    print!("{error}");
    assert!(error.contains("refuses the token: set SALIENCY_TOKEN"), "{error}");
}
