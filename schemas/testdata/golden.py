#!/usr/bin/env python3
"""Writes golden.json: values as Confluent's own serializers write them, with the schemas that they registered.

    pip install 'confluent-kafka[avro,protobuf,json,schemaregistry]' grpcio-tools
    python3 golden.py > golden.json
"""
import base64, datetime, decimal, importlib, json, os, sys, tempfile, uuid

from confluent_kafka.schema_registry import (Schema, SchemaReference, SchemaRegistryClient, header_schema_id_serializer,
                                             prefix_schema_id_serializer)
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

client = SchemaRegistryClient.new_client({"url": "mock://golden"})
cases, fixed = [], "00000000-0000-4000-8000-%012d"


def case(name, serializer, value, want, conf=None):
    headers = []
    ctx = SerializationContext("leads-" + name, MessageField.VALUE, headers)
    data = serializer(value, ctx)
    cases.append({"name": name, "value": base64.b64encode(data).decode(),
                  "headers": {k: base64.b64encode(v).decode() for k, v in headers}, "want": want})


def avro(text, named=None, **conf):
    return AvroSerializer(client, Schema(json.dumps(text), "AVRO", named or []), conf={"auto.register.schemas": True, **conf})


lead = {
    "type": "record", "name": "Lead", "namespace": "shop", "fields": [
        {"name": "name", "type": "string"},
        {"name": "email", "type": ["null", "string"], "default": None},
        {"name": "phones", "type": {"type": "array", "items": "string"}},
        {"name": "budget", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "fee", "type": {"type": "fixed", "name": "Fee", "size": 6, "logicalType": "decimal", "precision": 12, "scale": 3}},
        {"name": "born", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "seen", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
        {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
        {"name": "call", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "stage", "type": {"type": "enum", "name": "Stage", "symbols": ["NEW", "HOT"]}},
        {"name": "utm", "type": {"type": "map", "values": ["null", "string", "long"]}},
        {"name": "address", "type": ["null", {"type": "record", "name": "Address", "fields": [{"name": "city", "type": "string"}]}]},
        {"name": "score", "type": "double"}, {"name": "consent", "type": "boolean"}, {"name": "visits", "type": "long"},
        {"name": "raw", "type": "bytes"},
    ]}
person = {
    "name": "Anna Iwanowa", "email": None, "phones": ["+7 916 123-45-67", "8 495 000 00 00"],
    "budget": decimal.Decimal("-1990.50"), "fee": decimal.Decimal("12.345"), "born": datetime.date(1990, 2, 28),
    "at": datetime.datetime(2026, 3, 4, 5, 6, 7, 89000, datetime.timezone.utc),
    "seen": datetime.datetime(2026, 3, 4, 5, 6, 7, 89123, datetime.timezone.utc),
    "local": datetime.datetime(2026, 3, 4, 5, 6, 7), "call": datetime.time(14, 30), "id": fixed % 7, "stage": "HOT",
    "utm": {"source": "ads"}, "address": {"city": "Köln"}, "score": 0.5, "consent": True, "visits": 9007199254740993, "raw": b"\x00\xff",
}
wanted = ('{"name":"Anna Iwanowa","email":null,"phones":["+7 916 123-45-67","8 495 000 00 00"],"budget":-1990.50,"fee":12.345,'
          '"born":"1990-02-28","at":"2026-03-04T05:06:07.089Z","seen":"2026-03-04T05:06:07.089123Z","local":"2026-03-04T05:06:07",'
          '"call":"14:30:00","id":"' + fixed % 7 + '","stage":"HOT","utm":{"source":"ads"},"address":{"city":"Köln"},"score":0.5,'
          '"consent":true,"visits":9007199254740993,"raw":"AP8="}')
case("avro", avro(lead), person, wanted)
case("avro-header", avro(lead, **{"schema.id.serializer": header_schema_id_serializer}), person, wanted)

client.register_schema("address", Schema(json.dumps(
    {"type": "record", "name": "Address", "namespace": "crm", "fields": [{"name": "city", "type": "string"}]}), "AVRO"))
case("avro-reference", avro({"type": "record", "name": "Order", "namespace": "crm", "fields": [
    {"name": "email", "type": "string"}, {"name": "to", "type": "crm.Address"}]},
    [SchemaReference("crm.Address", "address", 1)]),
    {"email": "a@example.com", "to": {"city": "Riga"}}, '{"email":"a@example.com","to":{"city":"Riga"}}')

js = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "Lead", "type": "object",
                 "properties": {"email": {"type": "string"}}})
case("json", JSONSerializer(js, client), {"email": "a@example.com"}, '{"email":"a@example.com"}')
case("json-header", JSONSerializer(js, client, conf={"schema.id.serializer": header_schema_id_serializer}),
     {"email": "a@example.com"}, '{"email":"a@example.com"}')

with tempfile.TemporaryDirectory() as folder:
    from grpc_tools import protoc
    import grpc_tools
    include = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
    site = os.path.dirname(os.path.dirname(os.path.dirname(importlib.import_module("google.type.date_pb2").__file__)))
    files = {
        "golden_address.proto": 'syntax = "proto3"; package crm; message Address { string city = 1; }',
        "golden_lead.proto": '''syntax = "proto3"; package crm;
import "golden_address.proto"; import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
import "google/type/date.proto"; import "google/protobuf/struct.proto";
message Other { string nothing = 1; message Inner { string email = 1; } }
message Lead {
  enum Stage { STAGE_UNSPECIFIED = 0; HOT = 1; }
  string full_name = 1; repeated string phones = 2; Stage stage = 3; Address address = 4;
  google.protobuf.Timestamp at = 5; google.protobuf.StringValue email = 6; google.type.Date born = 7;
  map<string, int64> visits = 8; oneof how { string form = 9; string call = 10; } optional bool consent = 11;
  google.protobuf.Struct extra = 12; bytes raw = 13; double score = 14; int64 big = 15;
}'''}
    for name, text in files.items():
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    if protoc.main(["protoc", "-I" + folder, "-I" + include, "-I" + site, "--python_out=" + folder, *files]) != 0:
        sys.exit("protoc failed")
    sys.path.insert(0, folder)
    pb = importlib.import_module("golden_lead_pb2")
    message = pb.Lead(full_name="Anna Iwanowa", phones=["+79161234567"], stage=1, form="callback", consent=False, raw=b"\x00\xff",
                      score=0.5, big=9007199254740993)
    message.address.city, message.email.value = "Köln", "a@example.com"
    message.at.FromDatetime(datetime.datetime(2026, 3, 4, 5, 6, 7, 89000))
    message.born.year, message.born.month, message.born.day = 1990, 2, 28
    message.visits["b"], message.visits["a"] = 2, 1
    message.extra.update({"tags": ["x", 1, None, True]})
    wanted = ('{"full_name":"Anna Iwanowa","phones":["+79161234567"],"stage":"HOT","address":{"city":"Köln"},"at":"2026-03-04T05:06:07.089Z",'
              '"email":"a@example.com","born":"1990-02-28","visits":{"a":1,"b":2},"form":"callback","consent":false,'
              '"extra":{"tags":["x",1,null,true]},"raw":"AP8=","score":0.5,"big":9007199254740993}')
    conf = {"use.deprecated.format": False}
    case("protobuf", ProtobufSerializer(pb.Lead, client, conf), message, wanted)
    case("protobuf-header", ProtobufSerializer(pb.Lead, client, {**conf, "schema.id.serializer": header_schema_id_serializer}), message, wanted)
    case("protobuf-nested", ProtobufSerializer(pb.Other.Inner, client, conf), pb.Other.Inner(email="a@example.com"), '{"email":"a@example.com"}')
    case("protobuf-first", ProtobufSerializer(pb.Other, client, conf), pb.Other(nothing="x"), '{"nothing":"x"}')

# Everything that was registered, as the registry's interface gives it.
registered = {"ids": {}, "guids": {}, "subjects": {}}
for subject in client.get_subjects():
    for version in client.get_versions(subject):
        v = client.get_version(subject, version)
        s = {"schema": v.schema.schema_str, "schemaType": v.schema.schema_type,
             "references": [{"name": r.name, "subject": r.subject, "version": r.version} for r in v.schema.references or []]}
        registered["ids"][str(v.schema_id)] = s
        registered["subjects"][f"{subject}/{version}"] = s
        if v.guid:
            registered["guids"][str(v.guid)] = s
print(json.dumps({"registry": registered, "cases": cases}, indent=1, ensure_ascii=False))
