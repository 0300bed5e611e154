//! Who may come in: those who show a token of the file, or of the environment.

use std::fs;
use std::path::{Path, PathBuf};

use burn::server::{AuthorizationRequest, PeerAuthorizer as _, TokenAuthorizer};

/// The environment variable with the token.
const VARIABLE: &str = "SALIENCY_TOKEN";

/// Where the tokens are.
#[derive(Debug)]
pub enum Tokens {
    /// In the environment.
    One(TokenAuthorizer),
    /// In a file, which may change while the server runs.
    File(PathBuf),
}

/// A token of a file, and the name behind it.
#[derive(Debug, PartialEq)]
struct Named<'a> {
    token: &'a str,
    name: &'a str,
}

impl Tokens {
    /// Takes the tokens of a file; without one, that of the environment.
    ///
    /// # Errors
    /// An error if there is no token.
    pub fn new(file: Option<&Path>) -> Result<Self, String> {
        let Some(path) = file else {
            let token = std::env::var(VARIABLE).unwrap_or_default();
            return TokenAuthorizer::new(token.trim()).map(Self::One).map_err(|_| {
                format!(
                    "expected a token for clients to know in {VARIABLE}, or --token-file; found none"
                )
            });
        };
        let tokens = Self::File(path.to_owned());
        if lines(&tokens.text()?).next().is_none() {
            return Err(format!("expected a token on each line of {}, found none", path.display()));
        }
        Ok(tokens)
    }

    /// Returns the name of the client's token, or why the client may not come in.
    pub fn name_of(&self, request: AuthorizationRequest<'_>) -> Result<String, String> {
        match self {
            Self::One(authorizer) => {
                authorizer.authorize(request).map(|()| "the environment".to_owned())
            }
            Self::File(_) => {
                let AuthorizationRequest { client, device_index, credential } = request;
                let text = self.text()?;
                let fits = |named: &Named<'_>| {
                    let request = AuthorizationRequest { client, device_index, credential };
                    TokenAuthorizer::new(named.token).is_ok_and(|it| it.authorize(request).is_ok())
                };
                let found = lines(&text).find(fits);
                found.map(|it| it.name.to_owned()).ok_or_else(|| "a wrong token".to_owned())
            }
        }
    }

    fn text(&self) -> Result<String, String> {
        let Self::File(path) = self else { return Ok(String::new()) };
        fs::read_to_string(path)
            .map_err(|error| format!("cannot read the tokens in {}: {error}", path.display()))
    }
}

/// Returns the tokens of a file. A line that begins with `#` is a comment.
fn lines(text: &str) -> impl Iterator<Item = Named<'_>> {
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(_, line)| match line.split_once(char::is_whitespace) {
        Some((token, name)) => Named { token, name: name.trim() },
        None => Named { token: line, name: "a client" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::server::{ClientId, Credential};

    fn name_of(tokens: &Tokens, token: &str) -> Result<String, String> {
        let client = ClientId::WebSocket("127.0.0.1:9".parse().unwrap());
        let credential = &Credential::from(token);
        tokens.name_of(AuthorizationRequest { client, device_index: 0, credential })
    }

    #[test]
    fn a_token_can_be_taken_away_while_the_server_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        fs::write(&path, "# clients\n\nfirst Anna of the shop\nsecond\n").unwrap();
        let tokens = Tokens::new(Some(&path)).unwrap();
        assert_eq!(name_of(&tokens, "first"), Ok("Anna of the shop".to_owned()));
        assert_eq!(name_of(&tokens, "second"), Ok("a client".to_owned()));
        for wrong in ["", "firs", "#", "first Anna of the shop", "Anna"] {
            assert_eq!(name_of(&tokens, wrong), Err("a wrong token".to_owned()), "{wrong}");
        }
        fs::write(&path, "second\n").unwrap();
        assert!(name_of(&tokens, "first").is_err() && name_of(&tokens, "second").is_ok());
        fs::remove_file(&path).unwrap();
        assert!(name_of(&tokens, "second").unwrap_err().contains("cannot read the tokens"));
    }

    #[test]
    fn a_file_without_tokens_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        fs::write(&path, "# nobody\n").unwrap();
        let error = Tokens::new(Some(&path)).unwrap_err();
        assert!(error.contains("a token on each line") && error.contains("found none"), "{error}");
        let error = Tokens::new(Some(&folder.path().join("nowhere"))).unwrap_err();
        assert!(error.contains("cannot read the tokens"), "{error}");
    }
}
