//go:build unix

package driver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkListing reads a folder of 10,000 files as LIST and NLST do.
func BenchmarkListing(b *testing.B) {
	const files = 10_000
	w := newWorldIn(b, inMemory(b))
	for i := range files {
		w.write(filepath.Join(w.home, "dir", fmt.Sprintf("file-%06d.jpg", i)), "")
	}
	h := w.open(ReadOnly)
	for name, namesOnly := range map[string]bool{"LIST": false, "NLST": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var entries []Entry
			for b.Loop() {
				dir, err := h.OpenDir("/dir")
				if err != nil {
					b.Fatal(err)
				}
				for entries = entries[:0]; err == nil; {
					entries, err = dir.Entries(entries, namesOnly)
				}
				if err := dir.Close(); err != nil || len(entries) != files+1 {
					b.Fatal(len(entries), err)
				}
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSmallFile sends and fetches a file of 4 KiB in a folder, all that
// it costs but the network.
func BenchmarkSmallFile(b *testing.B) {
	piece := make([]byte, 4<<10)
	for _, folder := range []string{"/", "/dir/", "/dir/deep/deeper/"} {
		w := newWorldIn(b, inMemory(b))
		h := w.openWith(ReadWrite, atomically)
		if err := h.MkdirAll(folder, 0); err != nil {
			b.Fatal(err)
		}
		for name, do := range map[string]func(i int) error{
			"STOR": func(i int) error {
				f, err := h.GetHandle(folder+fmt.Sprint("new-", i), os.O_WRONLY|overwrite, 0)
				if err != nil {
					return err
				}
				_, err = f.Write(piece)
				return errors.Join(err, f.Close())
			},
			"STOR again": func(int) error {
				f, err := h.GetHandle(folder+"again", os.O_WRONLY|overwrite, 0)
				if err != nil {
					return err
				}
				_, err = f.Write(piece)
				return errors.Join(err, f.Close())
			},
			"RETR": func(int) error {
				f, err := h.GetHandle(folder+"new-0", os.O_RDONLY, 0)
				if err != nil {
					return err
				}
				return f.Close()
			},
			"SIZE": func(int) error {
				_, err := h.Stat(folder + "new-0")
				return err
			},
		} {
			w.write(filepath.Join(w.home, folder, "new-0"), "")
			b.Run(name+" in "+folder, func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if err := do(i); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// inMemory is a folder that lies in memory, where the host has one.
func inMemory(b *testing.B) string {
	b.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "natftpd-")
	if err != nil {
		return b.TempDir()
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			b.Error(err)
		}
	})
	return folder
}
