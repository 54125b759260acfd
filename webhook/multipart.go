package webhook

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"
)

// parseMultipart reads the fields; of a file only its name is kept.
//
// Source: RFC 7578.
func parseMultipart(body []byte, boundary string) ([]field, error) {
	if boundary == "" {
		return nil, errNotForm
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	var list []field
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, errNotForm
		}
		if len(list) == maxFields {
			return nil, errManyFields
		}
		value, err := partValue(part)
		if err != nil {
			return nil, errNotForm
		}
		list = append(list, field{part.FormName(), value})
	}
}

// partValue returns a part's text in UTF-8; of a file its name. Quoted-printable is decoded by the reader, Base64 here:
// RFC 7578 (4.7) wants neither, but libraries made for mail send both.
func partValue(part *multipart.Part) (string, error) {
	if name := part.FileName(); name != "" {
		return name, nil
	}
	var from io.Reader = part
	if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "base64") {
		from = base64.NewDecoder(base64.StdEncoding, part)
	}
	value, err := io.ReadAll(from)
	if err != nil {
		return "", err
	}
	if _, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Type")); err == nil {
		if charset, known := charsetOf(parameters["charset"]); known && charset != nil {
			return inUTF8(charset, string(value)), nil
		}
	}
	return string(value), nil
}
