Feature: Websites
  A bucket can serve a website, to browsers that sign nothing: at BUCKET.s3-website.REGION.localhost, also with a dash before
  the region.

  Background:
    Given a bucket "site"
    And "index.html" was put into the bucket "site"
    And "docs/index.html" was put into the bucket "site"
    And "error.html" was put into the bucket "site"

  Scenario: Folders show their index
    Given the bucket "site" has the website
      """
      {"IndexDocument": {"Suffix": "index.html"}}
      """
    And everyone may read of the bucket "site"
    When a browser GETs "/" of the website "site"
    Then the browser gets 200 with "hello"
    When a browser GETs "/docs/" of the website "site"
    Then the browser gets 200 with "hello"
    When a browser GETs "/docs" of the website "site"
    Then the browser is sent to "/docs/" by 302
    When a browser HEADs "/index.html" of the website "site"
    Then the browser gets 200
    When a browser POSTs "/index.html" of the website "site"
    Then the browser gets 405 with "Code: MethodNotAllowed"

  Scenario: What is not public is not shown
    Given the bucket "site" has the website
      """
      {"IndexDocument": {"Suffix": "index.html"}}
      """
    When a browser GETs "/" of the website "site"
    Then the browser gets 403 with "Code: AccessDenied"

  Scenario: Only those who may list are told what is missing
    Given the bucket "site" has the website
      """
      {"IndexDocument": {"Suffix": "index.html"}}
      """
    And everyone may read of the bucket "site"
    When a browser GETs "/gone" of the website "site"
    Then the browser gets 403 with "Code: AccessDenied"
    Given everyone may list of the bucket "site"
    When a browser GETs "/gone" of the website "site"
    Then the browser gets 404 with "Code: NoSuchKey"

  Scenario: Errors have a document of their own
    Given the bucket "site" has the website
      """
      {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
      """
    And everyone may list of the bucket "site"
    When a browser GETs "/gone" of the website "site"
    Then the browser gets 404 with "hello"
    When I delete "error.html" from the bucket "site"
    And a browser GETs "/gone" of the website "site"
    Then the browser gets 404 with "An Error Occurred While Attempting to Retrieve a Custom Error Document"

  Scenario: Rules lead elsewhere
    Given the bucket "site" has the website
      """
      {"IndexDocument": {"Suffix": "index.html"}, "RoutingRules": [
        {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "docs/"}},
        {"Condition": {"HttpErrorCodeReturnedEquals": "404"},
         "Redirect": {"HostName": "help.example", "Protocol": "https", "ReplaceKeyWith": "gone", "HttpRedirectCode": "302"}}]}
      """
    And everyone may list of the bucket "site"
    When a browser GETs "/old/page" of the website "site"
    Then the browser is sent to "http://site.s3-website.us-east-1.localhost/docs/page" by 301
    When a browser GETs "/nowhere" of the website "site"
    Then the browser is sent to "https://help.example/gone" by 302

  Scenario: A whole site can be elsewhere
    Given the bucket "site" has the website
      """
      {"RedirectAllRequestsTo": {"HostName": "www.example"}}
      """
    When a browser GETs "/any/page" of the website "site"
    Then the browser is sent to "http://www.example/any/page" by 301

  Scenario: There may be no website
    When a browser GETs "/" of the website "site"
    Then the browser gets 404 with "Code: NoSuchWebsiteConfiguration"
    When a browser GETs "/" of the website "nobodys"
    Then the browser gets 404 with "Code: NoSuchBucket"
    When I ask for the website of the bucket "site"
    Then the call fails with "NoSuchWebsiteConfiguration"

  Scenario: A configuration must make sense
    When I give the bucket "site" the website
      """
      {"IndexDocument": {"Suffix": "/index.html"}}
      """
    Then the call fails with "InvalidArgument"
    When I give the bucket "site" the website
      """
      {"IndexDocument": {"Suffix": "a"}, "RedirectAllRequestsTo": {"HostName": "b"}}
      """
    Then the call fails with "InvalidArgument"
