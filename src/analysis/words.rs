//! Words of the command line for settings that have structure, and back.

use crate::{
    data::{BuiltinKind, Resize},
    models::{Architecture, Shortcut, Stem},
};

const ARCHITECTURES: &str = "resnet18, resnet34, resnet50, resnet101, resnet152 (each also with \
    -cifar for the small-image stem, -cifar-pad2 for solo-learn's), cifar-resnet20-a … cifar-resnet110-b, \
    lightning-resnet:3,3,3:16,32,64, small-alexnet or small-alexnet:DIMENSION:SIDE, tiny or \
    tiny:WIDTH";

/// The word for an architecture: "resnet50", "cifar-resnet20-a", "small-alexnet:128:64".
pub fn architecture_word(architecture: &Architecture) -> String {
    match architecture {
        Architecture::ResNet { depth, stem, width } => {
            let stem = match stem {
                Stem::ImageNet => "",
                Stem::Cifar => "-cifar",
                Stem::CifarPadded => "-cifar-pad2",
            };
            match width {
                64 => format!("resnet{depth}{stem}"),
                _ => format!("resnet{depth}{stem}:{width}"),
            }
        }
        Architecture::CifarResNet { depth, shortcut } => {
            let shortcut = match shortcut {
                Shortcut::A => 'a',
                Shortcut::B => 'b',
            };
            format!("cifar-resnet{depth}-{shortcut}")
        }
        Architecture::PreparedCifarResNet { blocks, channels } => {
            let list = |numbers: &[usize]| {
                let words: Vec<String> = numbers.iter().map(usize::to_string).collect();
                words.join(",")
            };
            format!("lightning-resnet:{}:{}", list(blocks), list(channels))
        }
        Architecture::SmallAlexNet {
            feat_dim,
            input_side,
            ..
        } => format!("small-alexnet:{feat_dim}:{input_side}"),
        Architecture::TinyConvNet { width } => format!("tiny:{width}"),
    }
}

/// The architecture of a word.
///
/// # Errors
/// In words, with the known ones.
pub fn parse_architecture(word: &str) -> Result<Architecture, String> {
    let architecture = architecture_of(word)
        .ok_or_else(|| format!("unknown architecture '{word}': one of {ARCHITECTURES}"))?;
    architecture
        .blueprint()
        .map_err(|error| error.to_string())?;
    Ok(architecture)
}

fn architecture_of(word: &str) -> Option<Architecture> {
    if let Some(rest) = word.strip_prefix("cifar-resnet") {
        let (depth, shortcut) = rest.split_once('-').unwrap_or((rest, "a"));
        let shortcut = match shortcut {
            "a" => Shortcut::A,
            "b" => Shortcut::B,
            _ => return None,
        };
        return Some(Architecture::CifarResNet {
            depth: depth.parse().ok()?,
            shortcut,
        });
    }
    if let Some(rest) = word.strip_prefix("lightning-resnet:") {
        let (blocks, channels) = rest.split_once(':')?;
        let list = |text: &str| {
            text.split(',')
                .map(|n| n.parse().ok())
                .collect::<Option<_>>()
        };
        return Some(Architecture::PreparedCifarResNet {
            blocks: list(blocks)?,
            channels: list(channels)?,
        });
    }
    if let Some(rest) = word.strip_prefix("small-alexnet") {
        let (feat_dim, input_side) = match rest.split(':').collect::<Vec<_>>()[..] {
            [""] => (128, 64),
            ["", dimension] => (dimension.parse().ok()?, 64),
            ["", dimension, side] => (dimension.parse().ok()?, side.parse().ok()?),
            _ => return None,
        };
        return Some(Architecture::SmallAlexNet {
            channels_in: 3,
            feat_dim,
            input_side,
        });
    }
    if let Some(rest) = word.strip_prefix("tiny") {
        let width = match rest.strip_prefix(':') {
            Some(width) => width.parse().ok()?,
            None if rest.is_empty() => 16,
            None => return None,
        };
        return Some(Architecture::TinyConvNet { width });
    }
    let rest = word.strip_prefix("resnet")?;
    let (rest, width) = match rest.split_once(':') {
        Some((rest, width)) => (rest, width.parse().ok()?),
        None => (rest, 64),
    };
    let (depth, stem) = match rest.split_once('-') {
        None => (rest, Stem::ImageNet),
        Some((depth, "cifar")) => (depth, Stem::Cifar),
        Some((depth, "cifar-pad2")) => (depth, Stem::CifarPadded),
        Some(_) => return None,
    };
    Some(Architecture::ResNet {
        depth: depth.parse().ok()?,
        stem,
        width,
    })
}

/// The word for a resize: "keep", "square:64", "crop:256:224".
pub fn resize_word(resize: Resize) -> String {
    match resize {
        Resize::Keep => "keep".into(),
        Resize::Square(side) => format!("square:{side}"),
        Resize::ShorterSideCrop { resize, crop } => format!("crop:{resize}:{crop}"),
    }
}

/// The resize of a word.
///
/// # Errors
/// In words, with the known ones.
pub fn parse_resize(word: &str) -> Result<Resize, String> {
    let side = |text: &str| {
        text.parse::<u32>()
            .map_err(|_| format!("'{text}' is not a number of pixels"))
    };
    match word.split(':').collect::<Vec<_>>()[..] {
        ["keep"] => Ok(Resize::Keep),
        ["square", text] => Ok(Resize::Square(side(text)?)),
        ["crop", resize, crop] => Ok(Resize::ShorterSideCrop {
            resize: side(resize)?,
            crop: side(crop)?,
        }),
        _ => Err(format!(
            "unknown resize '{word}': keep, square:SIDE or crop:RESIZE:CROP"
        )),
    }
}

/// The word for a kind of built-in set.
pub fn builtin_word(kind: BuiltinKind) -> &'static str {
    match kind {
        BuiltinKind::SingleObject => "single-object",
        BuiltinKind::MultiObject => "multi-object",
    }
}

/// The kind of built-in set of a word.
///
/// # Errors
/// In words, with the known ones.
pub fn parse_builtin(word: &str) -> Result<BuiltinKind, String> {
    [BuiltinKind::SingleObject, BuiltinKind::MultiObject]
        .into_iter()
        .find(|kind| builtin_word(*kind) == word)
        .ok_or_else(|| format!("unknown built-in set '{word}': single-object or multi-object"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for word in [
            "resnet18",
            "resnet50-cifar",
            "resnet18-cifar-pad2",
            "resnet50:128",
            "cifar-resnet20-a",
            "cifar-resnet110-b",
            "lightning-resnet:3,3,3:16,32,64",
            "small-alexnet:128:64",
            "tiny:24",
        ] {
            assert_eq!(architecture_word(&parse_architecture(word).unwrap()), word);
        }
        for word in ["keep", "square:64", "crop:256:224"] {
            assert_eq!(resize_word(parse_resize(word).unwrap()), word);
        }
        for word in ["single-object", "multi-object"] {
            assert_eq!(builtin_word(parse_builtin(word).unwrap()), word);
        }
    }

    #[test]
    fn short_words_stand_for_the_published_settings() {
        assert_eq!(
            parse_architecture("small-alexnet"),
            parse_architecture("small-alexnet:128:64")
        );
        assert_eq!(parse_architecture("tiny"), parse_architecture("tiny:16"));
        assert_eq!(
            parse_architecture("cifar-resnet20"),
            parse_architecture("cifar-resnet20-a")
        );
    }

    #[test]
    fn unknown_words_are_answered_with_the_known_ones() {
        assert!(
            parse_architecture("vgg16")
                .unwrap_err()
                .contains("resnet18")
        );
        for word in [
            "resnet19",
            "small-alexnetFOO",
            "small-alexnet:128:64:9",
            "tiny:0",
            "tinyFOO",
        ] {
            assert!(parse_architecture(word).is_err(), "{word}");
        }
        assert!(parse_resize("square:big").unwrap_err().contains("'big'"));
        assert!(parse_builtin("many").unwrap_err().contains("multi-object"));
    }
}
