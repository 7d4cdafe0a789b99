//! `varde-hub verify FILE`: what a file of signed bytes is, and whether it is to be believed.

use std::io::Read as _;
use std::path::Path;

use varde_wire::{GatewayId, MAX_BATCH_BYTES, Receipt, SignedBatch, SignedReceipt, Verdict, VerifiedBatch};

use crate::store::{Gateway, Store};
use crate::{Directory, Error, clock};

/// What is known of a file that holds a signed batch or receipt, in words.
///
/// # Errors
/// [`Error::Unverified`] where it is neither, or no key on file fits it.
pub fn verify(directory: &Directory, database: &Path, path: &Path) -> Result<String, Error> {
    let bytes = read(path)?;
    let store = Store::open_to_read(database)?;
    let keys = directory.keys()?;
    let mut gateways = Vec::new();
    for (name, _) in store.gateways()? {
        let id: GatewayId = name.parse()?;
        if let Some(gateway) = store.gateway(&id)? {
            gateways.push((id, gateway));
        }
    }

    let receipt = SignedReceipt::from_bytes(bytes.clone());
    for (id, _) in &gateways {
        let mut believed =
            keys.pairs().filter_map(|pair| receipt.verify(&pair.signing.verifying_key(), id).ok());
        if let Some(receipt) = believed.next() {
            return Ok(describe_receipt(&receipt));
        }
    }
    let signed = SignedBatch::from_bytes(bytes);
    if let Err(e) = signed.key_id() {
        return Err(Error::Unverified { path: path.to_owned(), why: e.to_string() });
    }
    let mut why = "signed with a key that is not on file".to_owned();
    for (id, gateway) in &gateways {
        let keys = std::iter::once((&gateway.verifying, "in force"));
        let old =
            gateway.superseded.iter().map(|key| (key, "superseded since the gateway was enrolled again"));
        for (key, state) in keys.chain(old) {
            match signed.verify(key, id) {
                Ok(verified) => return describe_batch(&store, gateway, &verified, state),
                Err(varde_wire::VerifyError::UnknownKey) => {}
                Err(e) => why = format!("names the key of {id}, but: {e}"),
            }
        }
    }
    if let Some(cause) = store.refused_for(&signed.hash())? {
        why = format!("{why}; kept as evidence: {cause}");
    }
    Err(Error::Unverified { path: path.to_owned(), why })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    // One byte more than a batch may have, so that one that is too long is seen to be.
    let most = MAX_BATCH_BYTES as u64 + 1;
    std::fs::File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|source| Error::File { doing: "read", path: path.to_owned(), source })?;
    Ok(bytes)
}

fn describe_receipt(receipt: &Receipt) -> String {
    let Receipt { gateway, lane, chain, verdict } = receipt;
    let verdict = match verdict {
        Verdict::Stored { number, hash, through } => {
            format!("stored: batch {number} and all before it, through seq {through}\nhash       {hash}")
        }
        Verdict::Refused { number, hash, reason, expected, through } => format!(
            "refused: batch {number}, {}; expected {expected}, highest seq stored {through}\nhash       {hash}",
            reason.name()
        ),
    };
    format!(
        "receipt    of this hub, signature holds\ngateway    {gateway}\nlane       {lane}\nchain      {chain}\nverdict    {verdict}\n"
    )
}

fn describe_batch(
    store: &Store,
    gateway: &Gateway,
    verified: &VerifiedBatch,
    key: &str,
) -> Result<String, Error> {
    let batch = verified.batch();
    let tracked = store.chain(gateway.row, batch.lane, batch.chain)?;
    let stored = match tracked.row {
        Some(row) => store.batch(row, batch.number)?,
        None => None,
    };
    let standing = match stored {
        Some(stored) if stored.hash == verified.hash() => {
            format!("stored, received {}", clock::rfc3339(stored.received).unwrap_or_default())
        }
        Some(stored) => format!("not stored: another batch holds its place, hash {}", stored.hash),
        None if batch.number == tracked.chain.next() && batch.previous == tracked.chain.head() => {
            "not stored: it would be the next one of its chain".to_owned()
        }
        None => format!("not stored: the chain's next batch is {}", tracked.chain.next()),
    };
    let refused = match store.refused_for(&verified.hash())? {
        Some(cause) => format!("refused    {cause}\n"),
        None => String::new(),
    };
    Ok(format!(
        "batch      signature holds, key {key}\ngateway    {}\nlane       {}\nchain      {}\nnumber     {}\nseqs       {}..{}\nhash       {}\nprevious   {}\nstanding   {standing}\n{refused}",
        batch.gateway,
        batch.lane,
        batch.chain,
        batch.number,
        batch.first,
        batch.last(),
        verified.hash(),
        batch.previous,
    ))
}
