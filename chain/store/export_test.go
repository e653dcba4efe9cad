package store

import "github.com/syndtr/goleveldb/leveldb/storage"

// OpenSmall is OpenStorage with buffers so small that journals rotate and tables compact.
func OpenSmall(stor storage.Storage) (*DB, error) {
	o := options()
	o.WriteBuffer = 256 << 10
	o.CompactionTableSize = 128 << 10
	return openLevelWith(stor, o)
}
