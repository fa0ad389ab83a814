"""Writes requests signed by botocore, the judge of crates/auth."""
import json, hashlib, sys, datetime, io
import botocore, botocore.session
from botocore.auth import SigV4Auth, S3SigV4Auth, SigV4QueryAuth, S3SigV4QueryAuth, HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
import botocore.auth
KEY,SECRET='AKIDEXAMPLE','wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
out=[]
def case(name, auth_class, service, region, method, url, headers=None, data=b'', token=None, expires=None):
    creds=Credentials(KEY,SECRET,token)
    req=AWSRequest(method=method,url=url,headers=headers or {},data=data)
    args=(creds,service,region)
    auth=auth_class(*args, **({'expires':expires} if expires else {}))
    auth.add_auth(req)
    p=req.prepare()
    from urllib.parse import urlsplit
    u=urlsplit(p.url)
    hs={k.lower():(v.decode() if isinstance(v,bytes) else v) for k,v in p.headers.items()}
    out.append(dict(name=name,method=method,host=u.netloc,path=u.path,query=u.query,headers=hs,body=data.decode('latin1'),
        payload=hs.get('x-amz-content-sha256') or ('UNSIGNED-PAYLOAD' if auth_class is S3SigV4QueryAuth else hashlib.sha256(data).hexdigest())))
F={'content-type':'application/x-www-form-urlencoded; charset=utf-8'}
case('query post',SigV4Auth,'sts','us-east-1','POST','http://localhost:4566/',F,b'Action=GetCallerIdentity&Version=2011-06-15')
case('session token',SigV4Auth,'sts','eu-west-1','POST','https://sts.eu-west-1.amazonaws.com/',F,b'Action=GetCallerIdentity&Version=2011-06-15',token='tok/en+==')
case('json',SigV4Auth,'dynamodb','us-west-2','POST','http://localhost:4566/',{'X-Amz-Target':'DynamoDB_20120810.ListTables','Content-Type':'application/x-amz-json-1.0'},b'{}')
case('double encoded path',SigV4Auth,'lambda','us-east-1','GET','http://localhost:4566/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af%20g/policy?Qualifier=%24LATEST&b=&a=x%2Fy')
case('slash path',SigV4Auth,'apigateway','us-east-1','GET','http://localhost:4566/restapis//a/../b/./c/')
case('header spaces',SigV4Auth,'sqs','us-east-1','POST','http://localhost:4566/',{'My-Header':'  a   b  c ','X-Amz-Target':'AmazonSQS.ListQueues'},b'{}')
case('s3 get',S3SigV4Auth,'s3','us-east-1','GET','http://bucket.s3.localhost:4566/a%20b/%C3%A4%2Bc//d~e?list-type=2&prefix=a%2Fb&delimiter=%2F&uploads')
case('s3 put',S3SigV4Auth,'s3','eu-central-1','PUT','http://localhost:4566/bucket/key%28%29%21%27%2A',{'Content-MD5':'CY9rzUYh03PK3k6DJie09g=='},b'test')
case('presigned s3',S3SigV4QueryAuth,'s3','us-east-1','GET','http://localhost:4566/bucket/a%20key?versionId=x%2F1',expires=60)
case('presigned s3 with token',S3SigV4QueryAuth,'s3','us-east-1','PUT','http://localhost:4566/bucket/k',{'x-amz-meta-a':'b'},expires=604800,token='a+b/c=')
case('presigned sts',SigV4QueryAuth,'sts','us-east-1','GET','http://localhost:4566/?Action=GetCallerIdentity&Version=2011-06-15',expires=60)
# aws-chunked: the seed is signed by botocore, the chunks by the documented formula with botocore's own hmac.
import hmac
def sign(k,m): return hmac.new(k,m.encode(),hashlib.sha256).digest()
def chunked(name,payload,chunks,trailers):
    body_len=sum(map(len,chunks))
    hs={'x-amz-content-sha256':payload,'content-encoding':'aws-chunked','x-amz-decoded-content-length':str(body_len)}
    if trailers: hs['x-amz-trailer']=','.join(k for k,_ in trailers)
    creds=Credentials(KEY,SECRET)
    class A(S3SigV4Auth):
        def payload(self,request): return payload
        def _inject_signature_to_request(self,request,sig): self.sig=sig; return super()._inject_signature_to_request(request,sig)
        def _modify_request_before_signing(self,request):
            SigV4Auth._modify_request_before_signing(self,request)
        def canonical_request(self,request): return super().canonical_request(request)
    req=AWSRequest(method='PUT',url='http://localhost:4566/bucket/key',headers=hs,data=b'')
    a=A(creds,'s3','us-east-1'); a.add_auth(req)
    ts=req.context['timestamp']; scope='%s/us-east-1/s3/aws4_request'%ts[:8]
    k=sign(sign(sign(sign(('AWS4'+SECRET).encode(),ts[:8]),'us-east-1'),'s3'),'aws4_request')
    prev=a.sig; E=hashlib.sha256(b'').hexdigest(); body=b''
    signed=payload.startswith('STREAMING-AWS4')
    for c in chunks+[b'']:
        line='%x'%len(c)
        if signed:
            prev=hmac.new(k,'\n'.join(['AWS4-HMAC-SHA256-PAYLOAD',ts,scope,prev,E,hashlib.sha256(c).hexdigest()]).encode(),hashlib.sha256).hexdigest()
            line+=';chunk-signature='+prev
        body+=line.encode()+b'\r\n'
        if c: body+=c+b'\r\n'
    t=''.join('%s:%s\n'%kv for kv in trailers)
    body+=''.join('%s:%s\r\n'%kv for kv in trailers).encode()
    if signed and trailers:
        prev=hmac.new(k,'\n'.join(['AWS4-HMAC-SHA256-TRAILER',ts,scope,prev,hashlib.sha256(t.encode()).hexdigest()]).encode(),hashlib.sha256).hexdigest()
        body+=b'x-amz-trailer-signature:'+prev.encode()+b'\r\n'
    body+=b'\r\n'
    p=req.prepare()
    out.append(dict(name=name,method='PUT',host='localhost:4566',path='/bucket/key',query='',headers={k.lower():(v.decode() if isinstance(v,bytes) else v) for k,v in p.headers.items()},body=body.decode('latin1'),payload=payload,decoded=b''.join(chunks).decode('latin1')))
import base64,binascii,struct
data=[b'a'*8192,b'b'*512]
crc=base64.b64encode(struct.pack('>I',binascii.crc32(b''.join(data)))).decode()
chunked('chunked signed','STREAMING-AWS4-HMAC-SHA256-PAYLOAD',data,[])
chunked('chunked signed with trailer','STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',data,[('x-amz-checksum-crc32',crc)])
chunked('chunked unsigned with trailer','STREAMING-UNSIGNED-PAYLOAD-TRAILER',[b'hello world'],[('x-amz-checksum-crc32',base64.b64encode(struct.pack('>I',binascii.crc32(b'hello world'))).decode())])
json.dump(dict(botocore=botocore.__version__,access_key_id=KEY,secret_access_key=SECRET,requests=out),sys.stdout,indent=1)
