//! The path above a network's tensors: dictionaries it is nested in, wrappers it was saved in,
//! and which copy to take where a file holds several.

/// What the word in a path says about the network below it.
struct Word {
    /// One segment of a dotted path.
    text: &'static str,
    /// How unlikely it is that the user means this copy; 0 for a plain wrapper. The ranks of a
    /// path's words add up.
    rank: u32,
    /// What the word stands for, for the evidence; empty for a plain wrapper.
    meaning: &'static str,
}

const fn plain(text: &'static str) -> Word {
    Word {
        text,
        rank: 0,
        meaning: "",
    }
}

const fn copy(text: &'static str, rank: u32, meaning: &'static str) -> Word {
    Word {
        text,
        rank,
        meaning,
    }
}

/// A word nobody taught us counts less than an average of weights, more than a named encoder.
const UNKNOWN_RANK: u32 = 2;

const AVERAGE: &str = "an exponential average of the weights";
const KEY: &str = "the momentum (key) encoder";
const TARGET: &str = "the target network, a slow copy of the online one";

/// Every word known in paths above a network. Sources: the training programs of MoCo v1–v3,
/// DenseCL, SimSiam, BYOL, SwAV, Barlow Twins, VICReg and DINO, solo-learn, lightly,
/// mmselfsup and OpenSelfSup, PyContrast, SupContrast, timm, PyTorch's own wrappers.
const WORDS: &[Word] = &[
    // Dictionaries.
    plain("state_dict"),
    plain("model"),
    plain("model_state_dict"),
    plain("model_state"),
    plain("net"),
    plain("network"),
    plain("params"),
    plain("weights"),
    // Wrappers of PyTorch and of training programs.
    plain("module"),
    plain("_orig_mod"),
    plain("_fsdp_wrapped_module"),
    plain("backbone"),
    plain("encoder"),
    plain("base_model"),
    plain("feature_extractor"),
    plain("features"),
    plain("resnet"),
    plain("resnet_simclr"),
    plain("convnet"),
    plain("trunk"),
    plain("visual"),
    plain("f"),
    plain("0"),
    plain("model_q"),
    // The copy that learns, where there are two.
    copy("encoder_q", 0, "the query encoder"),
    copy("base_encoder", 0, "the encoder that learns by gradient"),
    copy("online_network", 0, "the online network"),
    copy("online_network_state_dict", 0, "the online network"),
    copy("online_encoder", 0, "the online network"),
    copy("online_net", 0, "the online network"),
    copy("online", 0, "the online network"),
    // DINO's pair: its authors evaluate the teacher.
    copy("teacher", 1, "the teacher, which DINO's authors evaluate"),
    copy(
        "teacher_backbone",
        1,
        "the teacher, which DINO's authors evaluate",
    ),
    copy("student", 3, "the student"),
    copy("student_backbone", 3, "the student"),
    // Averages beside the weights themselves.
    copy("model_ema", 4, AVERAGE),
    copy("model_ema_state_dict", 4, AVERAGE),
    copy("ema", 4, AVERAGE),
    copy("ema_model", 4, AVERAGE),
    copy("ema_state_dict", 4, AVERAGE),
    copy("state_dict_ema", 4, AVERAGE),
    copy("shadow", 4, AVERAGE),
    // The slow copies that serve only as targets in training.
    copy("encoder_k", 10, KEY),
    copy("key_encoder", 10, KEY),
    copy("model_k", 10, KEY),
    copy("momentum_encoder", 10, KEY),
    copy("momentum_backbone", 10, KEY),
    copy("backbone_momentum", 10, KEY),
    copy("encoder_momentum", 10, KEY),
    copy("backbone_k", 10, KEY),
    copy("target_network", 10, TARGET),
    copy("target_network_state_dict", 10, TARGET),
    copy("target_encoder", 10, TARGET),
    copy("target_net", 10, TARGET),
    copy("target_backbone", 10, TARGET),
    copy("target", 10, TARGET),
];

/// Dictionaries in which training programs put a network's weights.
const NESTINGS: &[&str] = &[
    "state_dict",
    "model",
    "model_state_dict",
    "model_state",
    "teacher",
    "student",
    "network",
    "net",
    "params",
    "weights",
    "model_ema",
    "model_ema_state_dict",
    "ema",
    "ema_model",
    "ema_state_dict",
    "state_dict_ema",
    "online_network_state_dict",
    "target_network_state_dict",
];

/// Rank from which on a copy is a target in training, with no heads of its own beside it.
const TARGET_RANK: u32 = 10;

fn word(segment: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.text == segment)
}

/// The segments of a dotted path with its trailing dot, or of the empty path.
pub(super) fn segments(root: &str) -> impl DoubleEndedIterator<Item = &str> {
    root.split('.').filter(|segment| !segment.is_empty())
}

/// How unlikely it is that the network below `root` is the one that is meant; lower is better.
pub(super) fn rank(root: &str) -> u32 {
    segments(root)
        .map(|segment| word(segment).map_or(UNKNOWN_RANK, |word| word.rank))
        .sum()
}

/// Whether the network below `root` is a slow copy that only serves as a target.
pub(super) fn is_target(root: &str) -> bool {
    segments(root).any(|segment| word(segment).is_some_and(|word| word.rank >= TARGET_RANK))
}

/// What the path says about the copy below it, where it says anything.
pub(super) fn meaning(root: &str) -> Option<&'static str> {
    segments(root)
        .rev()
        .filter_map(word)
        .map(|word| word.meaning)
        .find(|meaning| !meaning.is_empty())
}

/// Segments of `root` that no rule knows.
pub(super) fn unknown_words(root: &str) -> Vec<&str> {
    segments(root)
        .filter(|segment| word(segment).is_none())
        .collect()
}

/// Splits a root into the dictionary it is nested in and the prefixes stripped below that, each
/// with its dot (`state_dict.module.encoder_q.` → `state_dict`, `module.` and `encoder_q.`).
pub(super) fn split(root: &str) -> (Option<String>, Vec<String>) {
    let mut rest = segments(root).peekable();
    let nesting = rest
        .next_if(|first| NESTINGS.contains(first))
        .map(str::to_owned);
    (nesting, rest.map(|segment| format!("{segment}.")).collect())
}

/// The path one level up; `None` at the top.
pub(super) fn parent(root: &str) -> Option<&str> {
    let path = root.strip_suffix('.')?;
    Some(path.rfind('.').map_or("", |dot| &path[..=dot]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_that_learns_ranks_before_its_slow_copy() {
        for (better, worse) in [
            (
                "state_dict.module.encoder_q.",
                "state_dict.module.encoder_k.",
            ),
            (
                "state_dict.module.base_encoder.",
                "state_dict.module.momentum_encoder.",
            ),
            ("teacher.backbone.", "student.module.backbone."),
            ("model.", "model_ema."),
            ("online_network.", "target_network."),
            ("state_dict.backbone.", "state_dict.momentum_backbone."),
            ("", "shadow."),
            ("module.encoder.", "module.mystery."),
        ] {
            assert!(rank(better) < rank(worse), "{better} before {worse}");
        }
        assert!(is_target("module.encoder_k."));
        assert!(!is_target("student."));
    }

    #[test]
    fn roots_split_into_nesting_and_prefixes() {
        let (nesting, stripped) = split("state_dict.module.encoder_q.");
        assert_eq!(nesting.as_deref(), Some("state_dict"));
        assert_eq!(stripped, ["module.", "encoder_q."]);
        assert_eq!(split(""), (None, Vec::new()));
        assert_eq!(split("backbone."), (None, vec!["backbone.".to_owned()]));
    }

    #[test]
    fn parents_lead_to_the_top() {
        assert_eq!(parent("a.b."), Some("a."));
        assert_eq!(parent("a."), Some(""));
        assert_eq!(parent(""), None);
    }

    #[test]
    fn the_nearest_word_gives_the_meaning() {
        assert_eq!(
            meaning("state_dict.module.encoder_q.0."),
            Some("the query encoder")
        );
        assert_eq!(meaning("state_dict.module."), None);
        assert_eq!(unknown_words("module.mystery."), ["mystery"]);
    }
}
