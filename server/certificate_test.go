package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// serial is the serial number of the certificate that cfg serves.
func serial(t *testing.T, cfg *tls.Config) string {
	t.Helper()
	cert := &tls.Certificate{}
	if cfg.GetCertificate != nil {
		var err error
		if cert, err = cfg.GetCertificate(&tls.ClientHelloInfo{}); err != nil {
			t.Fatal(err)
		}
	} else {
		cert = &cfg.Certificates[0]
	}
	if cert.Leaf == nil {
		t.Fatal("no leaf")
	}
	return cert.Leaf.SerialNumber.String()
}

func TestTheSelfSignedCertificateIsMadeOnceAndKept(t *testing.T) {
	state := t.TempDir()
	first, warning, err := TLS("", "", state, slog.New(slog.DiscardHandler))
	if err != nil || warning != "" {
		t.Fatalf("%v, warning %q", err, warning)
	}
	second, _, err := TLS("", "", state, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if serial(t, first) != serial(t, second) {
		t.Error("a second start made another certificate")
	}
	if first.MinVersion != tls.VersionTLS12 {
		t.Error("TLS before 1.2 is offered")
	}
	info, err := os.Stat(filepath.Join(state, "tls", "self-signed.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v; want mode 0600", info.Mode(), err)
	}
	left, _ := os.ReadDir(filepath.Join(state, "tls"))
	if len(left) != 2 {
		t.Errorf("the folder holds %v", left)
	}
}

func TestADamagedSelfSignedCertificateIsToldWithWhatToDo(t *testing.T) {
	state := t.TempDir()
	if _, _, err := TLS("", "", state, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(state, "tls", "self-signed.pem"), 10); err != nil {
		t.Fatal(err)
	}
	if _, _, err := TLS("", "", state, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "self-signed.key: ") || !strings.Contains(err.Error(), "remove both files") {
		t.Errorf("got %v, want both files named, and what to do", err)
	}
}

func TestAStateFolderThatCannotBeWrittenIsAWarning(t *testing.T) {
	state := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(state, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, warning, err := TLS("", "", state, slog.New(slog.DiscardHandler))
	if err != nil || !strings.Contains(warning, "cannot be kept") {
		t.Fatalf("%v, warning %q", err, warning)
	}
	if len(cfg.Certificates) != 1 {
		t.Error("no certificate for this run")
	}
}

func TestTheOperatorsCertificateIsReadAgainWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	renew := func() {
		t.Helper()
		made, keyDER, err := makeSelfSigned()
		if err != nil {
			t.Fatal(err)
		}
		if err := writePEM(certificate, "CERTIFICATE", made.Certificate[0], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := writePEM(key, "PRIVATE KEY", keyDER, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	renew()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		cfg, _, err := TLS(certificate, key, t.TempDir(), slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		first := serial(t, cfg)
		time.Sleep(lookInterval)

		if err := os.WriteFile(certificate, []byte("rubbish"), 0o600); err != nil {
			t.Fatal(err)
		}
		if serial(t, cfg) != first {
			t.Error("a broken file replaced the certificate")
		}
		time.Sleep(lookInterval)
		serial(t, cfg)
		if n := strings.Count(log.String(), "not usable"); n != 1 {
			t.Errorf("said %d times that it is broken, want once:\n%s", n, log.String())
		}

		renew()
		time.Sleep(lookInterval)
		if serial(t, cfg) == first {
			t.Error("the new certificate is not served")
		}
	})
}

// TestACertificateThatCouldNotBeReadIsTriedAgain, though neither its size nor its time
// tells that now it can: it was chmod that helped, or others let go of descriptors.
func TestACertificateThatCouldNotBeReadIsTriedAgain(t *testing.T) {
	certificate, key, err := selfSigned(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(content []byte) {
		t.Helper()
		if err := errors.Join(os.WriteFile(key, content, 0o600), os.Chtimes(key, time.Time{}, time.Unix(1e9, 0))); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		cfg, _, err := TLS(certificate, key, t.TempDir(), slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		for _, content := range [][]byte{make([]byte, len(good)), good} {
			write(content)
			time.Sleep(lookInterval)
			serial(t, cfg)
		}
		if !strings.Contains(log.String(), "not usable") || !strings.Contains(log.String(), "read again") {
			t.Errorf("it is not in use:\n%s", log.String())
		}
	})
}

func TestAMissingCertificateIsAnError(t *testing.T) {
	_, _, err := TLS("/nowhere/c.pem", "/nowhere/k.pem", t.TempDir(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "/nowhere/c.pem") {
		t.Errorf("got %v", err)
	}
}
