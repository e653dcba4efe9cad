package proofs

// The state keys that strangers ask proofs for (docs/spec/state.md lists all
// keys). An asset is written under its name at home: the network's own assets
// have the zero origin.

// BalanceKey is the key of an account's balance of an asset; the value is an
// Amount. A balance of nothing has no entry.
func BalanceKey(account AccountID, asset AssetID) []byte {
	return concat("bal/", account[:], asset[:])
}

// ClaimKey is the key of what is escrowed here of a home asset because it
// circulates in peer's network; the value is an Amount.
func ClaimKey(peer NetworkID, asset AssetID) []byte {
	return concat("claim/", peer[:], asset[:])
}

// SupplyKey is the key of the sum of all balances of an asset in this network,
// fees and the value of waiting local messages included; the value is an Amount.
// For a foreign asset it counts vouchers.
func SupplyKey(asset AssetID) []byte { return concat("supply/", asset[:]) }

// FeesKey is the key of the fees that the network has collected in its own
// asset; the value is an Amount.
func FeesKey() []byte { return []byte("fees") }

// PeerKey is the key of what the network knows of a registered peer.
func PeerKey(peer NetworkID) []byte { return concat("peer/", peer[:]) }

// HeadKey is the key of what the network knows of peer's queue towards it: the
// newest inducted head.
func HeadKey(peer NetworkID) []byte { return concat("head/", peer[:]) }

func concat(prefix string, parts ...[]byte) []byte {
	b := []byte(prefix)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}
