//! The models' regular expressions, which are Java's, matched in linear time.
//!
//! A pattern is rewritten for `regex-lite` and must match the whole text, as at AWS. What that engine cannot do at all
//! (backreferences, look-around in the middle) is not checked. Two things are made wider than they are: Unicode classes
//! (`\p{L}`) are exact for ASCII and admit everything beyond it, and repetitions of more than 255 are unbounded unless
//! the pattern is one repeated class, of which the length is counted exactly.

use regex_lite::Regex;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// What a pattern says about a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    Broken,
    /// The pattern is beyond the engine.
    Unknown,
}

/// A repetition beyond this is rewritten as unbounded: engines unroll them.
const REPETITION_MAX: u32 = 255;

/// A pattern ready for matching.
#[derive(Debug)]
struct Pattern {
    /// Look-aheads at the start: what must match there, or (negated) must not.
    ahead: Vec<(bool, Regex)>,
    whole: Regex,
    /// Bounds on the number of characters, where the pattern is one repeated class.
    length: Option<(usize, usize)>,
}

type Cache = RwLock<HashMap<usize, Option<Arc<Pattern>>>>;

/// Matches the whole of `text`. `pattern` must belong to a model, which lives forever: the cache goes by its address.
pub(super) fn matches(pattern: &'static str, text: &str) -> Verdict {
    static CACHE: OnceLock<Cache> = OnceLock::new();
    let cache = CACHE.get_or_init(Cache::default);
    let key = pattern.as_ptr() as usize;
    let known = cache.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    let compiled = known.unwrap_or_else(|| {
        let made = compile(pattern).map(Arc::new);
        let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
        cache.insert(key, made.clone());
        made
    });
    match compiled {
        None => Verdict::Unknown,
        Some(pattern) if pattern.holds(text) => Verdict::Holds,
        Some(_) => Verdict::Broken,
    }
}

/// Whether values are checked against the pattern at all.
pub fn is_supported(pattern: &str) -> bool {
    compile(pattern).is_some()
}

impl Pattern {
    fn holds(&self, text: &str) -> bool {
        let (min, max) = self.length.unwrap_or((0, usize::MAX));
        let fits = self.length.is_none() || (min..=max).contains(&text.chars().count());
        fits && self.ahead.iter().all(|(wanted, regex)| regex.is_match(text) == *wanted) && self.whole.is_match(text)
    }
}

fn compile(pattern: &str) -> Option<Pattern> {
    let mut rest = pattern;
    let mut ahead = Vec::new();
    loop {
        let after_anchor = rest.strip_prefix('^').unwrap_or(rest);
        let (wanted, inner) = match (after_anchor.strip_prefix("(?="), after_anchor.strip_prefix("(?!")) {
            (Some(inner), _) => (true, inner),
            (_, Some(inner)) => (false, inner),
            _ => break,
        };
        let (inside, after) = split_group(inner)?;
        if top_level_bar(after) {
            return None;
        }
        ahead.push((wanted, regex(&format!(r"\A(?:{})", rewrite(inside)?))?));
        rest = after;
    }
    let (body, length) = match repeated_class(rest) {
        Some((class, min, max)) => (format!("{class}*"), Some((min, max))),
        None => (rest.to_owned(), None),
    };
    Some(Pattern {
        ahead,
        whole: regex(&format!(r"\A(?:{})\z", rewrite(&body)?))?,
        length,
    })
}

fn regex(text: &str) -> Option<Regex> {
    regex_lite::RegexBuilder::new(text).size_limit(4 << 20).build().ok()
}

/// Splits at the parenthesis that closes the group whose inside begins `text`.
fn split_group(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let mut scanner = Scanner::default();
    for (at, c) in text.char_indices() {
        match (scanner.step(c), c) {
            (true, '(') => depth += 1,
            (true, ')') if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            (true, ')') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn top_level_bar(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut scanner = Scanner::default();
    for c in text.chars() {
        match (scanner.step(c), c) {
            (true, '(') => depth += 1,
            (true, ')') => depth = depth.saturating_sub(1),
            (true, '|') if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// Knows whether a character is syntax: neither escaped nor inside a class.
#[derive(Default)]
struct Scanner {
    escaped: bool,
    /// Characters since the class opened, the `[` itself counted.
    class: Option<usize>,
}

impl Scanner {
    /// Takes the next character; answers whether it is syntax outside of classes.
    fn step(&mut self, c: char) -> bool {
        if self.escaped {
            self.escaped = false;
            self.class = self.class.map(|n| n + 1);
            return false;
        }
        if c == '\\' {
            self.escaped = true;
            return false;
        }
        match (self.class, c) {
            (None, '[') => {
                self.class = Some(1);
                false
            }
            (None, _) => true,
            // `[]` and `[^]` would be empty: the bracket is a member there.
            (Some(n), ']') if n > 1 => {
                self.class = None;
                false
            }
            (Some(1), '^') => false,
            (Some(n), _) => {
                self.class = Some(n + 1);
                false
            }
        }
    }
}

/// `[class]{2,300}`, perhaps between anchors or in a group: the class and its bounds.
fn repeated_class(text: &str) -> Option<(&str, usize, usize)> {
    let text = text.strip_prefix('^').unwrap_or(text);
    let text = text.strip_suffix('$').filter(|t| !t.ends_with('\\')).unwrap_or(text);
    let text = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text);
    if !text.starts_with('[') {
        return None;
    }
    let mut scanner = Scanner::default();
    let mut end = None;
    for (at, c) in text.char_indices() {
        scanner.step(c);
        if at > 0 && scanner.class.is_none() && !scanner.escaped {
            end = Some(at + c.len_utf8());
            break;
        }
    }
    let (class, quantifier) = text.split_at_checked(end?)?;
    let (min, max) = match quantifier {
        "" => (1, 1),
        "*" => (0, usize::MAX),
        "+" => (1, usize::MAX),
        "?" => (0, 1),
        _ => {
            let inside = quantifier.strip_prefix('{')?.strip_suffix('}')?;
            match inside.split_once(',') {
                None => (inside.parse().ok()?, inside.parse().ok()?),
                Some((min, "")) => (min.parse().ok()?, usize::MAX),
                Some((min, max)) => (min.parse().ok()?, max.parse().ok()?),
            }
        }
    };
    Some((class, min, max))
}

/// Java's spelling as the engine's. `None` where there is none.
fn rewrite(java: &str) -> Option<String> {
    let mut out = String::with_capacity(java.len() + 16);
    let mut scanner = Scanner::default();
    let mut rest = java;
    while let Some(c) = rest.chars().next() {
        if c == '\\' && !scanner.escaped {
            let (text, length) = rewrite_escape(rest, scanner.class.is_some())?;
            out.push_str(&text);
            // After a class inside a class a hyphen stands for itself: `[\w-.]`.
            let is_class = matches!(rest.chars().nth(1), Some('w' | 'W' | 'd' | 'D' | 's' | 'S' | 'p' | 'P'));
            rest = rest.get(length..)?;
            scanner.class = scanner.class.map(|n| n + 1);
            if is_class
                && scanner.class.is_some()
                && let Some(after) = rest.strip_prefix('-')
            {
                out.push_str("\\-");
                rest = after;
            }
            continue;
        }
        let in_class = scanner.class.is_some();
        let syntax = scanner.step(c);
        if in_class && scanner.class.is_some() && rest.starts_with("&&") {
            return None;
        }
        if in_class && c == '[' {
            // A union of classes.
            return None;
        }
        if syntax && c == '{' {
            let end = rest.find('}')?;
            out.push_str(&rewrite_repetition(rest.get(1..end)?)?);
            rest = rest.get(end + 1..)?;
            continue;
        }
        out.push(c);
        rest = rest.get(c.len_utf8()..)?;
    }
    Some(out)
}

/// The repetition between braces, unbounded where it is too long.
fn rewrite_repetition(inside: &str) -> Option<String> {
    let (min, max) = inside.split_once(',').unwrap_or((inside, inside));
    let min: u32 = if min.is_empty() { 0 } else { min.trim().parse().ok()? };
    let max: Option<u32> = if max.is_empty() {
        None
    } else {
        Some(max.trim().parse().ok()?)
    };
    let long = |n: u32| n > REPETITION_MAX;
    let min = if long(min) { 1 } else { min };
    Some(match max.filter(|max| !long(*max)) {
        Some(max) => format!("{{{min},{max}}}"),
        None => format!("{{{min},}}"),
    })
}

/// An escape at the start of `text`: its new spelling and its old length.
fn rewrite_escape(text: &str, in_class: bool) -> Option<(String, usize)> {
    // Characters beyond 16 bits are pairs in Java; both orders of the range over all of them are found in models.
    const BEYOND: [&str; 2] = [r"\ud800\udc00-\udbff\udfff", r"\ud800\udbff-\udc00\udfff"];
    let wrap = |ranges: &str| {
        if in_class {
            ranges.to_owned()
        } else {
            format!("[{ranges}]")
        }
    };
    for beyond in BEYOND {
        if text
            .get(..beyond.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(beyond))
        {
            return Some((wrap(r"\u{10000}-\u{10FFFF}"), beyond.len()));
        }
    }
    match text.chars().nth(1)? {
        'u' => {
            let code = u32::from_str_radix(text.get(2..6)?, 16).ok()?;
            if let Some(c) = char::from_u32(code) {
                return Some((format!("\\u{{{:X}}}", u32::from(c)), 6));
            }
            let low = text.get(6..12)?.strip_prefix("\\u")?;
            let low = u32::from_str_radix(low, 16).ok()?;
            let pair = [u16::try_from(code).ok()?, u16::try_from(low).ok()?];
            let c = char::decode_utf16(pair).next()?.ok()?;
            Some((format!("\\u{{{:X}}}", u32::from(c)), 12))
        }
        kind @ ('p' | 'P') => {
            let (name, length) = match text.get(2..)?.strip_prefix('{') {
                Some(braced) => {
                    let end = braced.find('}')?;
                    (braced.get(..end)?, end + 4)
                }
                None => (text.get(2..3)?, 3),
            };
            let ranges = if kind == 'p' { class_of(name)? } else { class_but(name)? };
            Some((wrap(ranges), length))
        }
        // Java knows these, the engine does not or not alike.
        'R' | 'X' | 'h' | 'H' | 'V' | 'N' | 'k' | 'Q' | 'E' | 'G' | '1'..='9' => None,
        'Z' => Some((r"\z".to_owned(), 2)),
        '_' if in_class => Some(("_".to_owned(), 2)),
        c if c.is_ascii() => Some((text.get(..2)?.to_owned(), 2)),
        c => Some((c.to_string(), 1 + c.len_utf8())),
    }
}

/// The ranges of a named class: exact in ASCII, all beyond it.
fn class_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "L" | "IsAlphabetic" | "LD" => r"a-zA-Z\u{80}-\u{10FFFF}",
        "N" | "Nd" | "IsDigit" => r"0-9\u{80}-\u{10FFFF}",
        "Z" | "Zs" => r"\x20\u{80}-\u{10FFFF}",
        "IsWhitespace" => r"\t-\r\x20\u{80}-\u{10FFFF}",
        "M" => r"\u{80}-\u{10FFFF}",
        "P" => r"!-#%-*,-/:;?@\[-\]_{}\u{80}-\u{10FFFF}",
        "Pc" => r"_\u{80}-\u{10FFFF}",
        "Pd" => r"\-\u{80}-\u{10FFFF}",
        "S" => r"$+<=>\^`|~\u{80}-\u{10FFFF}",
        "C" => r"\x00-\x1F\x7F\u{80}-\u{10FFFF}",
        "all" => r"\x00-\u{10FFFF}",
        // These are ASCII's alone in Java.
        "ASCII" => r"\x00-\x7F",
        "Alnum" => "a-zA-Z0-9",
        "Alpha" => "a-zA-Z",
        "Upper" | "Lu" => "A-Z",
        "Lower" | "Ll" => "a-z",
        "Digit" => "0-9",
        "XDigit" => "0-9a-fA-F",
        "Punct" => r"!-/:-@\[-`{-~",
        "Graph" => "!-~",
        "Print" => r"\x20-~",
        "Blank" => r"\x20\t",
        "Space" => r"\t-\r\x20",
        "Cntrl" => r"\x00-\x1F\x7F",
        _ => return None,
    })
}

/// The ranges of a negated named class, by the same measure.
fn class_but(name: &str) -> Option<&'static str> {
    Some(match name {
        "C" => r"\x20-~\u{80}-\u{10FFFF}",
        "M" => r"\x00-\u{10FFFF}",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Verdict, matches};

    #[test]
    fn patterns_of_the_models_match_as_at_aws() {
        for (pattern, holding, broken) in [
            ("[1-5]\\d\\d", "404", "wrong"),
            ("[\\.\\-_A-Za-z0-9]+", "a.b-c_1", "Invalid Name With Spaces!"),
            ("[a-zA-Z0-9-_]+", "a-b_c", "a b"),
            ("(?!aws:)[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", "Straße Nr. 1", "aws:x"),
            ("^(?=.{1,4}$)[a-z]+$", "abcd", "abcde"),
            ("([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)", "a b", "a#b"),
            (
                "[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*",
                "a\n😀",
                "\u{1}",
            ),
            ("$|arn:.*", "", "x"),
            ("[a-z]{1,2048}", "abc", "A"),
            ("[a-z]{2,3}", "abc", "abcd"),
            ("(?s).{0,3}", "a\nb", "abcd"),
            ("(?i)all|[0-9]{12}", "ALL", "al"),
            ("[^\\p{Cntrl}]+", "a", "\n"),
            ("[\\w+=,.@-]+", "a@b", "a b"),
            ("[\\w- ]*", "a- b", "a.b"),
        ] {
            assert_eq!(matches(pattern, holding), Verdict::Holds, "{pattern} {holding}");
            assert_eq!(matches(pattern, broken), Verdict::Broken, "{pattern} {broken}");
        }
    }

    #[test]
    fn what_the_engine_cannot_do_is_unknown() {
        for pattern in ["a(?!b)c", "(a)\\1", "[a-z&&[^b]]", "(?!a)b|c", "a(?<!b)", "[a[bc]]"] {
            assert_eq!(matches(pattern, "a"), Verdict::Unknown, "{pattern}");
        }
    }
}
