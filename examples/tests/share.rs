//! Runs the program `share` as its users do.

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

#[test]
fn the_servers_end_with_the_program_even_if_it_is_killed() {
    use std::io::{BufRead, BufReader};

    let mut program = example("share", &[]).stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(program.stdout.take().unwrap()).lines().take(2);
    let address = |line: String| {
        let name = line.split(' ').next().unwrap().to_owned();
        name.strip_prefix("remote:ws://").unwrap().to_owned()
    };
    let addresses: Vec<String> = said.map(|line| address(line.unwrap())).collect();
    program.kill().and_then(|()| program.wait()).unwrap();
    for address in addresses {
        let gone = || std::net::TcpStream::connect(&address).is_err();
        let mut tries = (0..200).map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            gone()
        });
        assert!(tries.any(|gone| gone), "{address} still listens");
    }
}

#[test]
fn devices_that_do_not_answer_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["explain", "--device", "flex", "--device", "remote:ws://127.0.0.1:9"];
    let output = example("share", &args).current_dir(&folder).output().unwrap();
    let error = text(&output.stderr);
    assert!(output.status.success(), "{error}");
    assert!(error.contains("without remote:ws://127.0.0.1:9: no server answers at"), "{error}");
    assert!(text(&output.stdout).contains("64 by flex"));
}
