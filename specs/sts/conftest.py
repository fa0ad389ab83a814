"""Steps that speak of identities, roles and sessions."""

import base64
import json
from datetime import datetime, timezone

import pytest
from pytest_bdd import given, parsers, then, when

BEGIN_S = int(datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp())


class Sessions:
    """The credentials that a scenario was given, and who is acting."""

    def __init__(self, world):
        self.world = world
        self.credentials = None
        self.acting = None

    def client(self, service="sts"):
        """Whoever acts: the default caller until a step says otherwise."""
        if self.acting is None:
            return self.world.client(service)
        return self.world.virga.client_as(service, self.acting)

    def begin(self, operation, **parameters):
        answer = self.world.attempt(getattr(self.client(), operation), **parameters)
        if answer:
            self.credentials = answer["Credentials"]


@pytest.fixture
def sessions(world):
    return Sessions(world)


def parameters(datatable) -> dict:
    """Parameters of a call: numbers as numbers, lists and structures as JSON, all else as it stands."""
    out = {}
    for name, value in datatable:
        try:
            out[name] = value if name == "Policy" else json.loads(value)
        except ValueError:
            out[name] = value
        if isinstance(out[name], int) and not name.endswith("Seconds"):
            out[name] = value
    return out


def token(claims: dict) -> str:
    def part(json_value):
        return base64.urlsafe_b64encode(json.dumps(json_value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.c2lnbmF0dXJl"


# Who am I?


@when("I ask who I am")
def who_am_i(world, sessions):
    world.attempt(sessions.client().get_caller_identity)


@when(parsers.re(r'I ask who I am with the access key "(?P<key>[^"]+)"'))
def who_is_key(world, key):
    world.attempt(world.client("sts", account=key).get_caller_identity)


@when(parsers.re(r'I ask who I am in the region "(?P<region>[^"]+)"'))
def who_in_region(world, region):
    world.attempt(world.client("sts", region=region).get_caller_identity)


@then(parsers.re(r'I am "(?P<arn>[^"]+)" in the account "(?P<account>\d+)"'))
def i_am(world, arn, account):
    world.must_not_have_failed()
    assert (world.answer["Arn"], world.answer["Account"]) == (arn, account)


@then(parsers.re(r'my user id (?P<how>is|begins with|ends with) "(?P<text>[^"]+)"'))
def my_user_id(world, how, text):
    user_id = world.answer["UserId"]
    checks = {"is": user_id == text, "begins with": user_id.startswith(text), "ends with": user_id.endswith(text)}
    assert checks[how], user_id


# Sessions


@given(parsers.re(r'I assumed the role "(?P<role>[^"]+)" as "(?P<name>[^"]*)"$'))
@when(parsers.re(r'I assume the role "(?P<role>[^"]+)" as "(?P<name>[^"]*)"$'))
def assume(sessions, role, name):
    sessions.begin("assume_role", RoleArn=role, RoleSessionName=name)


@given(parsers.re(r'I assumed the role "(?P<role>[^"]+)" as "(?P<name>[^"]*)" with$'))
@when(parsers.re(r'I assume the role "(?P<role>[^"]+)" as "(?P<name>[^"]*)" with$'))
def assume_with(sessions, role, name, datatable):
    sessions.begin("assume_role", RoleArn=role, RoleSessionName=name, **parameters(datatable))


@given("I act with these credentials")
@when("I act with these credentials")
def act(world, sessions):
    world.must_not_have_failed()
    sessions.acting = sessions.credentials


@when(parsers.re(r"I act with these credentials, but (?P<what>another secret|without the session token|another session token)"))
def act_with_wrong(sessions, what):
    wrong = {
        "another secret": {"SecretAccessKey": "x" * 40},
        "without the session token": {"SessionToken": None},
        "another session token": {"SessionToken": "FQoGZXIvYXdzEnonsense"},
    }
    sessions.acting = {**sessions.credentials, **wrong[what]}


@given("I have a session token")
@when("I ask for a session token")
def session_token(sessions):
    sessions.begin("get_session_token")


@when("I ask for a session token with")
def session_token_with(sessions, datatable):
    sessions.begin("get_session_token", **parameters(datatable))


@when(parsers.re(r'I ask for a federation token for "(?P<name>[^"]*)"$'))
def federation_token(sessions, name):
    sessions.begin("get_federation_token", Name=name)


@when(parsers.re(r'I ask for a federation token for "(?P<name>[^"]*)" with$'))
def federation_token_with(sessions, name, datatable):
    sessions.begin("get_federation_token", Name=name, **parameters(datatable))


@then(parsers.re(r"the credentials last (?P<seconds>\d+) seconds"))
def credentials_last(sessions, seconds):
    assert int(sessions.credentials["Expiration"].timestamp()) - BEGIN_S == int(seconds)


@then("the credentials look like AWS's temporary ones")
def credentials_look(sessions):
    assert sessions.credentials["AccessKeyId"].startswith("ASIA")
    assert len(sessions.credentials["AccessKeyId"]) == 20
    assert len(sessions.credentials["SecretAccessKey"]) == 40
    assert len(base64.b64decode(sessions.credentials["SessionToken"], validate=True)) > 100


@then("the answer has")
def answer_has(world, datatable):
    for path, wanted in datatable:
        value = world.answer
        for part in path.split("."):
            value = value[part]
        assert str(value) == wanted, (path, value)


# Identity providers


@when(parsers.re(r'I assume the role "(?P<role>[^"]+)" as "(?P<name>[^"]*)" by a web identity of$'))
def web_identity(sessions, role, name, datatable):
    claims = {}
    for claim, value in datatable:
        claims[claim] = BEGIN_S + int(value.split()[1]) if claim == "exp" else value
    sessions.begin(
        "assume_role_with_web_identity", RoleArn=role, RoleSessionName=name, WebIdentityToken=token(claims)
    )


@when(parsers.re(r'I assume the role "(?P<role>[^"]+)" as "(?P<name>[^"]*)" by the token "(?P<text>[^"]+)"'))
def web_identity_text(sessions, role, name, text):
    sessions.begin("assume_role_with_web_identity", RoleArn=role, RoleSessionName=name, WebIdentityToken=text)


@when(parsers.re(r'I assume the role "(?P<role>[^"]+)" by a SAML assertion for "(?P<allowed>[^"]+)" as "(?P<name>[^"]*)"'))
def saml(sessions, role, allowed, name):
    provider = "arn:aws:iam::111122223333:saml-provider/Corporate"
    assertion = f"""<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">
      <Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion">
        <Issuer>https://login.example</Issuer>
        <Subject>
          <NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">_5f1c</NameID>
          <SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
            <SubjectConfirmationData Recipient="https://signin.aws.amazon.com/saml"/>
          </SubjectConfirmation>
        </Subject>
        <AttributeStatement>
          <Attribute Name="https://aws.amazon.com/SAML/Attributes/RoleSessionName">
            <AttributeValue>{name}</AttributeValue>
          </Attribute>
          <Attribute Name="https://aws.amazon.com/SAML/Attributes/Role">
            <AttributeValue>{allowed},{provider}</AttributeValue>
          </Attribute>
        </AttributeStatement>
      </Assertion>
    </samlp:Response>"""
    encoded = base64.b64encode(assertion.encode()).decode()
    sessions.begin("assume_role_with_saml", RoleArn=role, PrincipalArn=provider, SAMLAssertion=encoded)


# Keys and messages


@when("I ask whose access key that is")
def whose_key(world, sessions):
    world.attempt(sessions.client().get_access_key_info, AccessKeyId=sessions.credentials["AccessKeyId"])


@when(parsers.re(r'I ask whose access key "(?P<key>[^"]+)" is'))
def whose_key_is(world, sessions, key):
    world.attempt(sessions.client().get_access_key_info, AccessKeyId=key)


@when(parsers.re(r'I have the authorization message "(?P<text>[^"]+)" decoded'))
def decode(world, sessions, text):
    world.attempt(sessions.client().decode_authorization_message, EncodedMessage=text)


@then(parsers.re(r'the account is "(?P<account>\d+)"'))
def account_is(world, account):
    assert world.answer["Account"] == account


# Acting


@when(parsers.re(r'I create the queue "(?P<name>[^"]+)"'))
def create_queue(world, sessions, name):
    world.attempt(sessions.client("sqs").create_queue, QueueName=name)


@then(parsers.re(r'the account "(?P<account>\d+)" has the queue "(?P<name>[^"]+)"'))
def account_has(world, account, name):
    urls = world.client("sqs", account=account).list_queues().get("QueueUrls", [])
    assert [url.rsplit("/", 2)[1:] for url in urls] == [[account, name]]
