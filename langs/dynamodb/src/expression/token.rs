//! From text to tokens. What belongs to no token is one by itself, which no grammar accepts.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A letter, then letters, digits and underscores.
    Word,
    /// `#` and at least one letter, digit or underscore.
    Name,
    /// `:` and at least one letter, digit or underscore.
    Value,
    Digits,
    Symbol,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    start: usize,
    end: usize,
}

/// An expression's text with its tokens.
pub(crate) struct Tokens<'t> {
    text: &'t str,
    tokens: Vec<Token>,
}

impl<'t> Tokens<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let mut tokens = Vec::new();
        let mut start = 0;
        while let Some(rest) = text.get(start..) {
            let Some(first) = rest.chars().next() else { break };
            let (kind, length) = scan(first, rest);
            if let Some(kind) = kind {
                let end = start + length;
                tokens.push(Token { kind, start, end });
            }
            start += length;
        }
        Tokens { text, tokens }
    }

    pub(crate) fn get(&self, at: usize) -> Token {
        let end = self.text.len();
        self.tokens.get(at).copied().unwrap_or(Token {
            kind: TokenKind::End,
            start: end,
            end,
        })
    }

    pub(crate) fn text(&self, at: usize) -> &'t str {
        let token = self.get(at);
        match token.kind {
            TokenKind::End => "<EOF>",
            _ => self.text.get(token.start..token.end).unwrap_or_default(),
        }
    }

    /// The text from the token before to the token after.
    pub(crate) fn near(&self, at: usize) -> &'t str {
        let first = self.get(at.saturating_sub(1).min(self.tokens.len().saturating_sub(1)));
        let last = self.get((at + 1).min(self.tokens.len().saturating_sub(1)));
        self.text.get(first.start..last.end).unwrap_or_default()
    }
}

/// The kind of what `rest` begins with, nothing for blanks, and its length in bytes.
fn scan(first: char, rest: &str) -> (Option<TokenKind>, usize) {
    let word = |text: &str| {
        text.bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count()
    };
    match first {
        ' ' | '\t' | '\n' | '\r' | '\u{c}' => (None, 1),
        'a'..='z' | 'A'..='Z' => (Some(TokenKind::Word), word(rest)),
        '0'..='9' => {
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            (Some(TokenKind::Digits), length)
        }
        '#' | ':' => match (word(rest.get(1..).unwrap_or_default()), first) {
            (0, _) => (Some(TokenKind::Symbol), 1),
            (length, '#') => (Some(TokenKind::Name), length + 1),
            (length, _) => (Some(TokenKind::Value), length + 1),
        },
        _ => {
            let pair = ["<>", "<=", ">="].iter().any(|symbol| rest.starts_with(symbol));
            (Some(TokenKind::Symbol), if pair { 2 } else { first.len_utf8() })
        }
    }
}
