# The package and its binary tarball, from the shell and the tools of the machine.
{ system, versionJson }:
let
  inherit (versionJson) version release_name;
  official = versionJson.official_release or false;

  run = attrs: script: derivation (attrs // {
    inherit system;
    builder = "/bin/sh";
    PATH = "/usr/bin:/bin";
    args = [ "-euc" script ];
  });

  # A dependency, so that the closure of `out` is more than one path.
  util = run { name = "lix-util-${version}"; } ''
    mkdir -p "$out/lib"
    cp ${./src/libutil/usage.sh} "$out/lib/usage.sh"
  '';

  build = run
    {
      name = "lix-${version}";
      outputs = [ "out" "doc" ];
      inherit util;
      conf = ./src/nix.conf;
      longVersion = if official then version else "${version} (unreleased)";
      releaseName = release_name;
      manual = ./doc/manual;
    }
    ''
      mkdir -p "$out/bin"
      sed -e "s|@version@|$longVersion|" -e "s|@conf@|$conf|" -e "s|@util@|$util|" \
        ${./src/nix.sh} > "$out/bin/nix"
      chmod +x "$out/bin/nix"
      ln -s nix "$out/bin/nix-env" # nix upgrade-nix asks it whether it works

      book=$doc/share/doc/nix/manual
      mkdir -p "$book"
      cd "$manual"
      cp -R theme/. "$book"
      (cd src; find . -type d) | (cd "$book"; xargs mkdir -p)
      awk -v book="$book" -f book.awk $(find src rl-next -name '[!.]*.md' | LC_ALL=C sort) reference.txt
    '';

  # The closure of the package, to be unpacked where no Nix is yet.
  binaryTarball = run
    {
      name = "nix-binary-tarball-${version}";
      exportReferencesGraph = [ "closure" build ];
    }
    ''
      name=nix-${version}-${system}
      mkdir -p "$out" $name/store
      cp ${./scripts/install} $name/install
      # An entry is a path, its deriver, the number of its references, and those.
      awk 'left == 0 { print; getline; getline; left = $0; next } { left-- }' closure |
        xargs -I {} cp -R {} $name/store/
      tar --create --format=gnu --sort=name --owner=0 --group=0 --numeric-owner \
        --mode=u=rwX,go=rX --mtime=@1 $name | xz > "$out/$name.tar.xz"
    '';

  architecture = { x86_64-linux = "amd64"; aarch64-linux = "arm64"; }.${system};

  # What docker load takes: a layer for what the package needs, one for itself.
  dockerImage = run
    {
      name = "lix-docker-image-${version}";
      exportReferencesGraph = [ "closure" build ];
      inherit build;
    }
    ''
      layer() {
        tar --create --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime=@1 \
          --directory=/ --file=layer.tar "$@"
        id=$(sha256sum layer.tar | cut -d " " -f 1)
        mv layer.tar $id.tar
      }
      paths=$(awk 'left == 0 { print substr($0, 2); getline; getline; left = $0; next } { left-- }' closure)
      own=''${build#/}
      layer $(printf '%s\n' "$paths" | grep -vxF "$own"); needs=$id
      layer $own; itself=$id
      printf '{"architecture":"${architecture}","config":{"Cmd":["%s/bin/nix"],"Labels":{"org.opencontainers.image.title":"Lix","org.opencontainers.image.version":"${version}"}},"created":"1970-01-01T00:00:01Z","os":"linux","rootfs":{"diff_ids":["sha256:%s","sha256:%s"],"type":"layers"}}' \
        "$build" $needs $itself > config.json
      config=$(sha256sum config.json | cut -d " " -f 1).json
      mv config.json $config
      printf '[{"Config":"%s","Layers":["%s.tar","%s.tar"],"RepoTags":["lix:${version}"]}]' $config $needs $itself > manifest.json
      mkdir "$out"
      tar --create --format=gnu --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime=@1 \
        manifest.json $config $needs.tar $itself.tar | gzip -n > "$out/image.tar.gz"
    '';
in
{
  inherit build binaryTarball dockerImage;
}
