//! One file as tokens: the paths it names, the modules and types it declares, and which lines are test code.
//!
//! Tokens rather than syntax trees, because a path inside a macro call is only tokens to `syn`.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path as it is written, with `use` groups taken apart: `crate::{a, b::C}` is two references.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) line: usize,
    /// The inline modules (`mod x { … }`) around it.
    pub(crate) inside: Vec<String>,
    pub(crate) segments: Vec<String>,
}

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) name: String,
}

/// What one file says.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) references: Vec<Reference>,
    /// Names bound by `use`, with the path they stand for.
    pub(crate) aliases: BTreeMap<String, Vec<String>>,
    /// Bare words, for keywords such as `async`.
    pub(crate) words: Vec<Named>,
    /// Structs, enums, traits and type aliases.
    pub(crate) types: Vec<Named>,
    /// Functions, constants and macros, which a glob re-export may bring out.
    pub(crate) values: Vec<Named>,
    /// Modules that live in a file of their own, or inline.
    pub(crate) modules: Vec<Named>,
    /// Modules that exist in test builds only.
    pub(crate) test_modules: Vec<String>,
    /// Lines of code under `#[cfg(test)]`.
    pub(crate) test_lines: usize,
    /// The whole file is under `#![cfg(test)]`.
    pub(crate) all_test: bool,
}

/// Reads a file's tokens.
pub(crate) fn scan(text: &str) -> Result<Scan, String> {
    let tokens: TokenStream = text.parse().map_err(|error| format!("{error}"))?;
    let mut scan = Scan::default();
    scan.walk(&tokens.into_iter().collect::<Vec<_>>(), &[], false);
    Ok(scan)
}

impl Scan {
    fn walk(&mut self, tokens: &[TokenTree], inside: &[String], attribute: bool) {
        let mut at = 0;
        while at < tokens.len() {
            at = match &tokens[at] {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    self.attribute(tokens, at, inside)
                }
                TokenTree::Ident(_) => self.ident(tokens, at, inside),
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    self.walk(&inner, inside, attribute);
                    at + 1
                }
                TokenTree::Literal(literal) if attribute => {
                    self.path_in_quotes(&literal.to_string(), line(&tokens[at]), inside);
                    at + 1
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => at + 1,
            };
        }
    }

    /// An attribute: test code is skipped, documentation ignored, anything else read, quoted paths included.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize, inside: &[String]) -> usize {
        let inner = is_punct(tokens.get(at + 1), '!');
        let body = at + 1 + usize::from(inner);
        let Some(TokenTree::Group(group)) = tokens.get(body) else {
            return at + 1;
        };
        if group.delimiter() != Delimiter::Bracket {
            return at + 1;
        }
        let attribute: Vec<TokenTree> = group.stream().into_iter().collect();
        if is_test_only(&attribute) {
            if inner {
                self.all_test = true;
                return body + 1;
            }
            let end = end_of_item(tokens, body + 1);
            self.note_test_item(&tokens[at..end]);
            return end;
        }
        if !is_ident(attribute.first(), "doc") {
            self.walk(&attribute, inside, true);
        }
        body + 1
    }

    fn note_test_item(&mut self, item: &[TokenTree]) {
        if let (Some(first), Some(last)) = (item.first(), item.last()) {
            self.test_lines += last.span().end().line - line(first) + 1;
        }
        for pair in item.windows(2) {
            if let [TokenTree::Ident(keyword), TokenTree::Ident(name)] = pair
                && keyword == "mod"
            {
                self.test_modules.push(name.to_string());
            }
        }
    }

    /// An identifier: a keyword that declares, the start of a path, or a bare word.
    fn ident(&mut self, tokens: &[TokenTree], at: usize, inside: &[String]) -> usize {
        let TokenTree::Ident(word) = &tokens[at] else {
            return at + 1;
        };
        let word = word.to_string();
        if let Some(TokenTree::Ident(name)) = tokens.get(at + 1) {
            let named = Named {
                line: name.span().start().line,
                name: name.to_string(),
            };
            match word.as_str() {
                "struct" | "enum" | "trait" | "type" | "union" => self.types.push(named),
                "fn" | "const" | "static" => self.values.push(named),
                "mod" => return self.module(tokens, at + 2, named, inside),
                _ => {}
            }
        }
        if word == "macro_rules"
            && let Some(TokenTree::Ident(name)) = tokens.get(at + 2)
        {
            self.values.push(Named {
                line: line(&tokens[at]),
                name: name.to_string(),
            });
        }
        // `impl Trait + use<'a>` is no import.
        if word == "use" && !is_punct(tokens.get(at + 1), '<') {
            return self.import(tokens, at + 1, inside);
        }
        self.words.push(Named {
            line: line(&tokens[at]),
            name: word.clone(),
        });
        if !is_path_sep(tokens, at + 1) {
            return at + 1;
        }
        let mut segments = vec![word];
        let mut next = at + 1;
        while is_path_sep(tokens, next) {
            let Some(TokenTree::Ident(segment)) = tokens.get(next + 2) else {
                break;
            };
            segments.push(segment.to_string());
            self.words.push(Named {
                line: line(&tokens[next + 2]),
                name: segment.to_string(),
            });
            next += 3;
        }
        let line = line(&tokens[at]);
        self.references.push(Reference {
            line,
            inside: inside.to_vec(),
            segments,
        });
        next
    }

    fn module(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        named: Named,
        inside: &[String],
    ) -> usize {
        let mut deeper = inside.to_vec();
        deeper.push(named.name.clone());
        if inside.is_empty() {
            self.modules.push(named);
        }
        if let Some(TokenTree::Group(group)) = tokens.get(at) {
            self.walk(
                &group.stream().into_iter().collect::<Vec<_>>(),
                &deeper,
                false,
            );
        }
        at + 1
    }

    /// A `use` declaration, up to and with its semicolon.
    fn import(&mut self, tokens: &[TokenTree], start: usize, inside: &[String]) -> usize {
        let end = (start..tokens.len())
            .find(|&at| is_punct(tokens.get(at), ';'))
            .unwrap_or(tokens.len());
        self.import_tree(&tokens[start..end], &[], inside);
        end + 1
    }

    /// One branch of a `use` tree below `prefix`.
    fn import_tree(&mut self, tokens: &[TokenTree], prefix: &[String], inside: &[String]) {
        let Some(first) = tokens.first() else { return };
        let mut segments = prefix.to_vec();
        let mut alias = None;
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for branch in inner.split(|token| is_punct(Some(token), ',')) {
                        self.import_tree(branch, &segments, inside);
                    }
                    return;
                }
                TokenTree::Ident(word) if word == "as" => {
                    alias = tokens.get(at + 1).map(ToString::to_string);
                    break;
                }
                TokenTree::Ident(word) if word == "self" && !segments.is_empty() => {}
                TokenTree::Ident(word) => segments.push(word.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == '*' => segments.push("*".to_owned()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
        let line = line(first);
        for segment in &segments {
            self.words.push(Named {
                line,
                name: segment.clone(),
            });
        }
        if let Some(name) = alias.or_else(|| segments.last().cloned()) {
            self.aliases.insert(name, segments.clone());
        }
        self.references.push(Reference {
            line,
            inside: inside.to_vec(),
            segments,
        });
    }

    /// `#[serde(with = "super::shared")]` imports as much as `use` does.
    fn path_in_quotes(&mut self, literal: &str, line: usize, inside: &[String]) {
        let text = literal.trim_matches('"');
        let segments: Vec<String> = text.split("::").map(ToOwned::to_owned).collect();
        if segments.len() > 1 && segments.iter().all(|word| is_word(word)) {
            self.references.push(Reference {
                line,
                inside: inside.to_vec(),
                segments,
            });
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
}

fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_ident(token: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == wanted)
}

fn is_path_sep(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

/// `cfg(test)`, or a `cfg` that asks for `test` among other things; `cfg(not(test))` is not test code.
fn is_test_only(attribute: &[TokenTree]) -> bool {
    fn asks_for_test(tokens: TokenStream) -> bool {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        tokens.iter().enumerate().any(|(at, token)| match token {
            TokenTree::Ident(word) => word == "test",
            TokenTree::Group(group) => {
                let before = at.checked_sub(1).and_then(|at| tokens.get(at));
                is_ident(before, "all") && asks_for_test(group.stream())
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    let [TokenTree::Ident(word), rest @ ..] = attribute else {
        return false;
    };
    match rest {
        [] => word == "test",
        [TokenTree::Group(group)] => word == "cfg" && asks_for_test(group.stream()),
        _ => false,
    }
}

/// Where the item that starts at `at` (after its first attribute) ends.
fn end_of_item(tokens: &[TokenTree], mut at: usize) -> usize {
    while is_punct(tokens.get(at), '#') {
        at += 2;
    }
    let to_semicolon = tokens[at..]
        .iter()
        .find_map(|token| match token {
            TokenTree::Ident(word) if word == "pub" => None,
            TokenTree::Ident(word) => {
                Some(["use", "const", "static", "type", "let"].iter().any(|item| word == item))
            }
            _ => None,
        })
        .unwrap_or(false)
        // `const fn` ends with its body.
        && !tokens[at..].iter().take(4).any(|token| is_ident(Some(token), "fn"));
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ';' => return index + 1,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && !to_semicolon => {
                return index + 1;
            }
            _ => {}
        }
    }
    tokens.len()
}
